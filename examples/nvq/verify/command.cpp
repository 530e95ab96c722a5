// SPDX-License-Identifier: Apache-2.0
#include "verify/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "failure.hpp"
#include "number_options.hpp"
#include "verify/verify.hpp"

namespace app {

void add_verify(CLI::App& cli) {
  static VerifyOptions o;
  CLI::App* c = cli.add_subcommand("verify", "What is wrong with a quantized checkpoint, of any dialect");
  c->add_option("CKPT", o.checkpoint, "directory of a checkpoint")->required();
  c->add_option("--source", o.source,
                "the model it was made from: compares tensors, config.json and decoded weights");
  c->add_option("--target", o.targets,
                "loaders it is meant for: vllm, trtllm, sglang, transformers, llama.cpp")
      ->delimiter(',');
  c->add_option("--tp", o.tensor_parallel, "degrees of tensor parallelism to try, such as 1,2,4,8")
      ->delimiter(',');
  c->add_option("--json", o.json, "write all findings to this file; - for standard output, without the text");
  c->add_option(
       "--fix", o.fixes,
       "repair first: input-scale=NUMBER, shared-scales, ignore, config (with --source: from it), index; "
       "replaced files stay as NAME.orig")
      ->delimiter(',');
  c->add_option("--threads", o.threads, "threads; all cores when not given")->check(not_negative());
  c->footer("Exit status: 0 without findings, 1 with findings, 2 when the checkpoint cannot be examined.");
  c->callback([] {
    int status = 2;
    try {
      status = verify(o);
    } catch (const Failure& e) {
      fmt::print(stderr, "nvq: {}\n", e.what());
    }
    if (status == 0) return;
    std::fflush(stdout);
    throw CLI::RuntimeError(status);
  });
}

}  // namespace app
