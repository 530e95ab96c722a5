// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/dialect_parts.hpp>
#include <vector>

namespace app {

/// The same weight in the words of another dialect, or why that dialect has none for it. Zero points stay
/// where the dialect can do without them.
nvq::io::expected<nvq::io::weight_scheme> converted_scheme(const nvq::io::weight_scheme& from,
                                                           nvq::io::dialect to);

/// Whether the bytes of a weight of one scheme can be written as one of the other.
bool same_numbers(const nvq::io::weight_scheme& a, const nvq::io::weight_scheme& b);

/// What a part holds, whatever its arrangement.
enum class Content { codes, scales, zeros, tensor_scale, input_scale, index, other };
Content content_of(nvq::io::part what);

/// nvq::io::parts() with the types that a conversion keeps: GPTQ and AWQ carry BF16 scales as well.
std::vector<nvq::io::stored_part> carried_parts(const nvq::io::weight_scheme& scheme, std::int64_t rows,
                                                std::int64_t columns, nvq::io::dtype wide);

}  // namespace app
