// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/quantize_args.cuh>
#include <nvq/cuda/reduce.cuh>

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// Whether quantize_tiles takes a format.
template <class F>
inline constexpr bool has_small_tiles =
    F::block::rows > 1 && F::block::rows <= 32 && (F::block::rows & (F::block::rows - 1)) == 0 &&
    F::block::columns > 0 && F::block::columns <= 32 && F::block::columns* F::element::bits % 32 == 0;

/// Whether a tile on its side is a tile of the same format, whose codes can be picked out of bytes.
template <class F>
inline constexpr bool has_transposed =
    has_small_tiles<F>&& F::block::rows == F::block::columns && 8 % F::element::bits == 0;

/// The codes of the tiles that a block of threads has, for their transposition. The tiles of each row of tiles lie 32 bytes
/// farther on than they would, which spreads them over the banks.
template <unsigned RowWords, unsigned TileRows, unsigned Down, bool Wanted>
struct tile_codes {
  std::uint32_t word[Down * (TileRows * RowWords + 8)];
  NVQ_HD static constexpr unsigned at(unsigned tile_row, unsigned row, unsigned in_row) noexcept {
    return tile_row * (TileRows * RowWords + 8) + row * RowWords + in_row;
  }
};
template <unsigned RowWords, unsigned TileRows, unsigned Down>
struct tile_codes<RowWords, TileRows, Down, false> {};

/// Small tiles: a lane has a row of a tile in its registers, neighbouring lanes the rows of one tile. A block of
/// threads has four tiles side by side and as many below each other as there are threads for.
template <class F, class T, class R, class Round = nearest>
struct quantize_tiles {
  using rules = nvq::detail::rules_t<R, F>;
  using statistic = typename rules::statistic;
  using E = typename F::element;
  static constexpr unsigned threads = 256;
  static constexpr unsigned tall = static_cast<unsigned>(F::block::rows);
  static constexpr unsigned wide = static_cast<unsigned>(F::block::columns);
  static constexpr unsigned across = 4, down = threads / tall / across;
  static constexpr unsigned words = wide * E::bits / 32;
  using row_words = std::uint32_t[words];
  using shared = tile_codes<across * words, tall, down, has_transposed<F>>;

  quantize_args<F, T, Round> a;

  static quantize_launch_of<quantize_tiles> plan(const quantize_args<F, T, Round>& args,
                                                 unsigned wave) noexcept {
    const shape2d tiles = tiles_of(args);
    const std::int64_t y = (tiles.columns() + across - 1) / across, x = (tiles.rows() + down - 1) / down;
    const auto grid_y = static_cast<unsigned>(y < 65535 ? y : 65535);
    const unsigned most = wave > grid_y ? wave / grid_y : 1;
    return {{args}, {static_cast<unsigned>(x < most ? x : most), grid_y}, threads};
  }

  NVQ_HD void operator()(shared& s) const noexcept {
    check_target<F>();
    grid_dependency_wait();
    const TensorScales scales = scales_of<F, R>(a);
    const shape2d tiles = tiles_of(a);
    const alignment aligned{
        runs_aligned(a.in, a.row_stride * static_cast<std::int64_t>(sizeof(T)),
                     static_cast<int>(wide * sizeof(T))),
        runs_aligned(a.out.codes, F::row_bytes(a.out.columns), static_cast<int>(sizeof(row_words))),
        runs_aligned(a.transposed.codes, F::row_bytes(a.transposed.columns),
                     static_cast<int>(sizeof(row_words)))};
    for (std::int64_t row = std::int64_t{block_index_x()} * down; row < tiles.rows();
         row += std::int64_t{grid_x()} * down)
      for (std::int64_t column = std::int64_t{block_index_y()} * across; column < tiles.columns();
           column += std::int64_t{grid_y()} * across)
        encode(s, row, column, scales, aligned);
    launch_dependents();
  }

 private:
  /// The grid of tiles, with those that only the padding of scales has.
  NVQ_HD static shape2d tiles_of(const quantize_args<F, T, Round>& a) noexcept {
    const auto larger = [](std::int64_t x, std::int64_t y) { return x > y ? x : y; };
    const shape2d own = a.out.padded_scales, turned = a.transposed.padded_scales;
    return {larger(a.out.scales_per_row ? (own.rows() + tall - 1) / tall : own.rows(), turned.columns()),
            larger(own.columns(), a.out.scales_per_row ? (turned.rows() + tall - 1) / tall : turned.rows())};
  }

  struct alignment {
    bool in, out, turned;
  };

  /// Tiles from a place in their grid on. All threads of the block come here together.
  NVQ_HD void encode(shared& memory, std::int64_t tile_row0, std::int64_t tile_column0, TensorScales scales,
                     alignment aligned) const noexcept {
    const unsigned lane_row = thread_index() % tall, tile = thread_index() / tall;
    const std::int64_t tile_row = tile_row0 + tile / across, tile_column = tile_column0 + tile % across;
    const std::int64_t row = tile_row * tall + lane_row, column = tile_column * wide;
    const std::int64_t left = row < a.out.rows && column < a.out.columns ? a.out.columns - column : 0;
    float x[wide];
    load_values<wide>(a.in + row * a.row_stride + column, left, aligned.in, x);

    statistic s{};
    add_values(s, x, left);
    s = warp_reduce<static_cast<int>(tall)>(s);
    const auto scale = choose(x, left, s, scales);
    store_scales(tile_row, tile_column, lane_row, scale);

    row_words codes = {};
    if (left > 0) {
      to_words(a.round.template encode<F, rules>(x, rules::template scaler<F>(scale, s, scales),
                                                 a.index(row, column)),
               codes);
      store_codes<F, wide>(a.out.code_row(row) + column * E::bits / 8, codes, left, aligned.out);
    }
    if constexpr (has_transposed<F>)
      if (a.transposed.codes != nullptr)
        store_transposed(memory, tile_row0, tile_column0, codes, aligned.turned);
  }

  /// The scale of the tile; a search adds the errors of rows in its lanes.
  NVQ_HD static typename F::scale_code choose(const float (&x)[wide], std::int64_t left, statistic s,
                                              TensorScales scales) noexcept {
    if constexpr (nvq::detail::is_search<rules, F>::value) {
      typename F::scale_code best = rules::template candidate<F>(0, s, scales);
      const int n = rules::template candidates<F>(s, scales);
      float least = error_of(x, left, best, s, scales);
      for (int i = 1; warp_any(i < n); ++i) {
        const auto scale = rules::template candidate<F>(i < n ? i : 0, s, scales);
        const float error = error_of(x, left, scale, s, scales);
        if (i < n && less(error, least)) {
          least = error;
          best = scale;
        }
      }
      return best;
    } else {
      return rules::template scale<F>(s, scales);
    }
  }
  NVQ_HD static float error_of(const float (&x)[wide], std::int64_t left, typename F::scale_code scale,
                               statistic s, TensorScales scales) noexcept {
    const auto scaler = rules::template scaler<F>(scale, s, scales);
    float sum = add_errors<F, rules>(0.0f, x, left, scaler, scale, s, scales);
    for (unsigned distance = tall / 2; distance != 0; distance /= 2)  // the tree of nvq::detail::block_error
      sum = add_rn(sum, shuffle_xor(sum, distance));
    return sum;
  }

  NVQ_HD void store_scales(std::int64_t tile_row, std::int64_t tile_column, unsigned lane_row,
                           typename F::scale_code scale) const noexcept {
    store_scale(a.out, tile_row, tile_column, lane_row, scale);
    if constexpr (has_transposed<F>)
      if (a.transposed.codes != nullptr) store_scale(a.transposed, tile_column, tile_row, lane_row, scale);
  }
  NVQ_HD static void store_scale(const quantized_matrix<F, false>& out, std::int64_t row, std::int64_t column,
                                 unsigned lane_row, typename F::scale_code scale) noexcept {
    if (out.scales_per_row)
      row = row * tall + lane_row;
    else if (lane_row != 0)
      return;
    out.store_padded(row, column, scale);
  }

  /// Through shared memory: threads write the codes of their rows and read those of a column of a tile.
  NVQ_HD void store_transposed(shared& memory, std::int64_t tile_row0, std::int64_t tile_column0,
                               const row_words& codes, bool aligned) const noexcept {
    const unsigned thread = thread_index(), tile = thread / tall;
    barrier();  // the codes of the tiles before these have been read
    for (unsigned w = 0; w < words; ++w)
      memory.word[shared::at(tile / across, thread % tall, tile % across * words + w)] = codes[w];
    barrier();
    const unsigned part = thread % down, column = thread / down;
    const std::int64_t row = tile_column0 * tall + column, first = (tile_row0 + part) * tall;
    if (row >= a.transposed.rows || first >= a.transposed.columns) return;
    constexpr unsigned bits = E::bits;
    row_words turned = {};
    NVQ_UNROLL
    for (unsigned i = 0; i < tall; ++i) {
      const std::uint32_t word = memory.word[shared::at(part, i, column * bits / 32)];
      put_code<E>(turned, i, word >> column * bits % 32 & ((1u << bits) - 1), bits);
    }
    store_codes<F, tall>(a.transposed.code_row(row) + first * bits / 8, turned, a.transposed.columns - first,
                         aligned);
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
