// SPDX-License-Identifier: Apache-2.0
#include <nvq/formats.hpp>
#include <tuple>

void print_nvfp4();
void print_mx();
void print_fp8();
void print_integers();
void print_nf4();

static_assert(std::tuple_size<nvq::AllFormats>::value == 26, "a new format goes into one of the families");

int main() {
  print_nvfp4();
  print_mx();
  print_fp8();
  print_integers();
  print_nf4();
}
