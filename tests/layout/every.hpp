// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support.hpp"

namespace layout_test {

/// Calls f.of<L>(name) for every layout L.
template <class F>
void for_every_layout(F&& f) {
  using namespace nvq::layout;
  constexpr auto a8 = MarlinActivation::bits8;
  f.template of<Linear<>>("Linear");
  f.template of<Linear<float>>("Linear<float>");
  f.template of<LinearCodes<4>>("LinearCodes<4>");
  f.template of<LinearCodes<8>>("LinearCodes<8>");
  f.template of<Blocked128x4>("Blocked128x4");
  f.template of<Blocked8x4>("Blocked8x4");
  f.template of<DeepGemmUE8M0>("DeepGemmUE8M0");
  f.template of<GptqWeights<4>>("GptqWeights<4>");
  f.template of<GptqWeights<8>>("GptqWeights<8>");
  f.template of<GptqZeros<4>>("GptqZeros<4>");
  f.template of<GptqZeros<8, GptqVersion::v2>>("GptqZeros<8, v2>");
  f.template of<GroupMajorScales<>>("GroupMajorScales");
  f.template of<AwqWeights>("AwqWeights");
  f.template of<AwqZeros>("AwqZeros");
  f.template of<PackQuantizedWeights<4>>("PackQuantizedWeights<4>");
  f.template of<PackQuantizedWeights<8>>("PackQuantizedWeights<8>");
  f.template of<PackQuantizedZeros<4>>("PackQuantizedZeros<4>");
  f.template of<PackQuantizedZeros<8>>("PackQuantizedZeros<8>");
  f.template of<MarlinWeights<4>>("MarlinWeights<4>");
  f.template of<MarlinWeights<8>>("MarlinWeights<8>");
  f.template of<MarlinWeights<4, a8>>("MarlinWeights<4, bits8>");
  f.template of<MarlinWeights<8, a8>>("MarlinWeights<8, bits8>");
  f.template of<MarlinScales<>>("MarlinScales");
  f.template of<MarlinScales<std::uint8_t>>("MarlinScales<uint8>");
  f.template of<MarlinScales<std::uint8_t, a8>>("MarlinScales<uint8, bits8>");
  f.template of<MarlinZeros<4>>("MarlinZeros<4>");
  f.template of<MarlinZeros<8>>("MarlinZeros<8>");
  f.template of<MarlinZeros<4, a8>>("MarlinZeros<4, bits8>");
  f.template of<GgmlCodes<GgmlMXFP4>>("GgmlCodes<MXFP4>");
  f.template of<GgmlCodes<GgmlNVFP4>>("GgmlCodes<NVFP4>");
  f.template of<GgmlCodes<GgmlQ4_0>>("GgmlCodes<Q4_0>");
  f.template of<GgmlScales<GgmlMXFP4>>("GgmlScales<MXFP4>");
  f.template of<GgmlScales<GgmlNVFP4>>("GgmlScales<NVFP4>");
  f.template of<GgmlScales<GgmlQ4_0>>("GgmlScales<Q4_0>");
}

}  // namespace layout_test
