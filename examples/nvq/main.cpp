// SPDX-License-Identifier: Apache-2.0
// nvq: quantizes Hugging Face checkpoints, from file to file.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>

#include "codec.hpp"
#include "commands.hpp"
#include "compare/command.hpp"
#include "convert/command.hpp"
#include "failure.hpp"
#include "fit/command.hpp"
#include "interrupt.hpp"
#include "memory.hpp"
#include "number_options.hpp"
#include "ranks/command.hpp"
#include "ranks/team.hpp"
#include "rules.hpp"
#include "vectors/command.hpp"
#include "verify/command.hpp"
#include "version.hpp"

namespace {

std::string list(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

std::string formats_help() {
  std::string text = "Formats, and their recipes (the default first):\n";
  for (const app::FormatName& f : app::format_names())
    text += fmt::format("  {:<12} {}\n               {}\n", f.name, f.title, list(app::recipe_names(f)));
  return text;
}

/// A sharded model keeps one file open per shard.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void add_quantize(CLI::App& cli) {
  static app::QuantizeOptions o;
  CLI::App* c = cli.add_subcommand("quantize", "Quantize the linear layers of a model into a new directory");
  c->add_option("MODEL_DIR", o.model, "Hugging Face directory: config.json and safetensors (F32, F16, BF16)")
      ->required();
  c->add_option("OUT_DIR", o.out, "directory to create; must not exist")->required();
  c->add_option("--format", o.format, "format of the weights; the dialect's usual (nvfp4) when not given");
  c->add_option("--recipe", o.recipe, "how scales are chosen; the format's default when not given");
  c->add_option("--dialect", o.dialect, list(app::dialect_names()) + "; the first when not given");
  c->add_option("--activations", o.activations,
                "none, dynamic or calibrated: what the engine shall do with activations; the format's usual "
                "when not given");
  c->add_option("--activation-amax", o.activation_amax,
                "largest magnitudes of the layers' inputs, for calibrated activations: a JSON or safetensors "
                "file of one per module, or a number for all (2688 makes input scales of 1 for nvfp4)");
  c->add_option(
      "--kv-amax", o.kv_amax,
      "write scales of an FP8 KV cache: a file of amax per \"ATTENTION.k\" and \".v\", or a number (448 "
      "makes scales of 1)");
  c->add_option("--rules", o.rules,
                "file of rules, PATTERN = FORMAT[:RECIPE] or PATTERN = keep, a line each; "
                "the first that matches a module decides");
  c->add_option("--preset", o.preset, "rules ready made: " + list(app::preset_names()));
  c->add_option("--family", o.family, "treat the model as one of this model_type");
  c->add_option(
       "--keep", o.keep,
       "leave modules of these names as they are (* and ? match), separated by commas; may be repeated")
      ->delimiter(',');
  static std::vector<std::filesystem::path> reports;
  c->add_option("--report", reports,
                "afterwards compare with the source, tensor by tensor, and write what comes out: a page with "
                "plots (FILE.html) or all figures (FILE.json); may be repeated");
  static std::string max_rss = "1G", batch = "256M";
  c->add_option("--max-rss", max_rss, "memory to hold at most, as 900M or 4G")->capture_default_str();
  c->add_option("--batch", batch, "bytes of the source worked on, and synced, at once")->group("");
  static std::string shard;
  c->add_option("--shard", shard,
                "do rank r's share of N (r/N, from 0/N on); auto: as srun, torchrun or mpirun number their "
                "processes. `nvq merge OUT_DIR` makes one of all shares");
  c->add_option("--threads", o.threads, "threads; all cores when not given")->check(app::not_negative());
  c->add_flag("--quiet", o.quiet, "no progress bar and no table");
  c->footer(formats_help());
  c->callback([] {
    o.max_rss = app::parse_bytes(max_rss);
    o.batch_bytes = app::parse_bytes(batch);
    if (app::quantize_with_others(o, shard, reports)) return;
    app::check_reports(reports);
    const app::QuantizeResult r = app::quantize(o);
    if (!o.quiet) fmt::print("{}", app::summary(r));
    app::report_quantized(o, reports);
  });
}

void add_dequantize(CLI::App& cli) {
  static app::DequantizeOptions o;
  CLI::App* c = cli.add_subcommand("dequantize", "Decode a quantized checkpoint into a plain one");
  c->add_option("DIR", o.model, "a quantized checkpoint, of any dialect")->required();
  c->add_option("OUT_DIR", o.out, "directory to create; must not exist")->required();
  c->add_option("--dtype", o.dtype, "bf16, f16 or f32")->capture_default_str();
  c->add_option("--threads", o.threads, "threads; all cores when not given")->check(app::not_negative());
  c->add_flag("--quiet", o.quiet, "no progress bar");
  c->callback([] { app::dequantize(o); });
}

void add_inspect(CLI::App& cli) {
  static std::string directory;
  CLI::App* c =
      cli.add_subcommand("inspect", "What is in a checkpoint: tensors by class, and their real bits");
  c->add_option("DIR", directory, "a checkpoint")->required();
  c->callback([] { fmt::print("{}", app::inspect(directory)); });
}

void add_formats(CLI::App& cli) {
  static bool markdown = false;
  CLI::App* c = cli.add_subcommand("formats", "The table of all formats of the library");
  c->add_flag("--markdown", markdown, "as a Markdown table");
  c->callback([] { fmt::print("{}", app::formats_table(markdown)); });
}

void add_demo(CLI::App& cli) {
  static app::DemoOptions o;
  CLI::App* c = cli.add_subcommand("demo", "Quantize a model into several formats and compare them");
  c->add_option("MODEL_DIR", o.model, "Hugging Face directory")->required();
  c->add_option("OUT_ROOT", o.out_root,
                "directory that gets one directory per format; an earlier demo's are replaced")
      ->required();
  c->add_option("--formats", o.formats, "FORMAT or FORMAT:RECIPE, separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  c->add_option("--threads", o.threads, "threads; all cores when not given")->check(app::not_negative());
  c->add_flag("--quiet", o.quiet, "no progress bar");
  c->callback([] { fmt::print("{}", app::demo(o)); });
}

bool has_command(const CLI::App& cli, const std::string& name) {
  const auto commands = cli.get_subcommands([&](const CLI::App* c) { return c->get_name() == name; });
  return !commands.empty();
}

}  // namespace

int main(int argc, char** argv) {
  app::watch_interrupts();
  raise_file_limit();
  CLI::App cli("nvq: quantizes checkpoints of language models, from file to file");
  const std::string mpi = app::mpi_name();
  cli.set_version_flag("--version",
                       "nvq " + app::version_text() + (mpi.empty() ? ", without MPI" : ", with " + mpi));
  cli.require_subcommand(1);
  add_quantize(cli);
  app::add_merge(cli);
  add_dequantize(cli);
  add_inspect(cli);
  app::add_verify(cli);
  app::add_plan(cli);
  app::add_compare(cli);
  app::add_convert(cli);
  app::add_vectors(cli);
  add_formats(cli);
  add_demo(cli);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::RuntimeError& e) {
    return e.get_exit_code();  // a command's verdict
  } catch (const CLI::ParseError& e) {
    if (argc > 1 && argv[1][0] != '-' && !has_command(cli, argv[1])) {
      fmt::print(stderr, "nvq: there is no command '{}'; nvq --help lists them\n", argv[1]);
      return 2;
    }
    return cli.exit(e) == 0 ? 0 : 2;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "nvq: out of memory; try fewer --threads\n");
    return 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "nvq: {}\n", e.what());
    return 1;
  }
  if (std::fflush(stdout) != 0) {
    fmt::print(stderr, "nvq: cannot write to standard output\n");
    return 1;
  }
}
