// SPDX-License-Identifier: Apache-2.0
// nvq compare: its figures against ones computed here, its page, and what it does with models that differ.
#include <algorithm>
#include <cmath>
#include <set>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

double bf16(const std::string& bytes, std::size_t i) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value_at<std::uint16_t>(bytes, i)) << 16;
  float x;
  std::memcpy(&x, &bits, 4);
  return static_cast<double>(x);
}

/// E4M3 from its definition: four bits of exponent, bias 7, three of mantissa.
double e4m3(std::uint8_t code) {
  const int exponent = code >> 3 & 15, mantissa = code & 7;
  const double size = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return code & 0x80 ? -size : size;
}

/// Weights with outliers, so that some are clipped and some vanish.
Raw uneven(std::int64_t rows, std::int64_t columns, int seed) {
  Raw t = weights("BF16", rows, columns, seed);
  for (std::size_t i = 0; i < t.bytes.size() / 2; i += 7) {
    auto bits = value_at<std::uint16_t>(t.bytes, i);
    if ((bits & 0x7FFF) != 0) bits = static_cast<std::uint16_t>(bits + (i % 3 == 0 ? 0x0100 : -0x0380));
    std::memcpy(t.bytes.data() + 2 * i, &bits, 2);
  }
  return t;
}

const std::string q0 = "model.layers.0.self_attn.q_proj", down2 = "model.layers.2.mlp.down_proj",
                  up10 = "model.layers.10.mlp.up_proj";

Tensors model() {
  Tensors t;
  t[q0 + ".weight"] = uneven(48, 128, 1);
  t[down2 + ".weight"] = uneven(160, 256, 2);
  t[up10 + ".weight"] = uneven(64, 384, 3);
  t["model.norm.weight"] = {"BF16", {32}, std::string(64, '\x3c')};
  return t;
}

/// Compares, and returns what --json has.
json compared(const TempDir& dir, const fs::path& a, const fs::path& b,
              std::vector<std::string> options = {}) {
  options.insert(options.begin(),
                 {"compare", a.string(), b.string(), "--quiet", "--json", (dir / "r.json").string()});
  const Outcome done = nvq(options);
  INFO(done.err);
  REQUIRE(done.status == 0);
  return read_json(dir / "r.json");
}

json tensor(const json& report, const std::string& name) {
  for (const json& t : report["tensors"])
    if (t["name"] == name) return t;
  FAIL("the report has no " << name);
  return {};
}

Approx approx(double x) { return Approx(x).epsilon(1e-9); }

}  // namespace

TEST_CASE("figures of a comparison are those of the decoded values", "[app]") {
  const TempDir dir;
  const Tensors original = model();
  write_model(dir / "m", original);
  for (const std::string format : {"nvfp4", "mxfp6", "mxfp8", "fp8", "fp8_block", "int8", "int4_g32"}) {
    INFO(format);
    const fs::path q = dir / format, back = dir / (format + "-f32");
    REQUIRE(nvq({"quantize", (dir / "m").string(), q.string(), "--format", format, "--quiet"}).status == 0);
    REQUIRE(nvq({"dequantize", q.string(), back.string(), "--dtype", "f32", "--quiet"}).status == 0);
    const Tensors decoded = read_checkpoint(back);
    const json report = compared(dir, dir / "m", q);
    REQUIRE(report["tensors"].size() == original.size());
    for (const std::string& name : {q0, down2, up10}) {
      INFO(name);
      const json t = tensor(report, name + ".weight");
      const Raw& x = original.at(name + ".weight");
      const Raw& y = decoded.at(name + ".weight");
      double signal = 0, noise = 0, product = 0, energy = 0, most = 0, amax = 0;
      std::int64_t flushed = 0;
      for (std::size_t i = 0; i < x.bytes.size() / 2; ++i) {
        const double a = bf16(x.bytes, i), b = static_cast<double>(value_at<float>(y.bytes, i));
        signal += a * a;
        noise += (a - b) * (a - b);
        product += a * b;
        energy += b * b;
        most = std::max(most, std::abs(a - b));
        amax = std::max(amax, std::abs(a));
        flushed += a != 0 && b == 0;
      }
      CHECK(t["sqnr_db"].get<double>() == approx(10 * std::log10(signal / noise)));
      CHECK(t["relative_error"].get<double>() == approx(std::sqrt(noise / signal)));
      CHECK(t["cosine"].get<double>() == approx(product / std::sqrt(signal * energy)));
      CHECK(t["max_error"].get<double>() == Approx(most).epsilon(1e-6));
      CHECK(t["amax"].get<double>() == amax);
      CHECK(t["flushed_to_zero"] == flushed);
      CHECK(t["format"] == format);
    }
    const json norm = tensor(report, "model.norm.weight");
    CHECK(norm["noise"] == 0);
    CHECK(norm["sqnr_db"].is_null());
    CHECK(norm.count("clipped") == 0);
  }
}

TEST_CASE("clipped values are those beyond the largest code under their scale", "[app]") {
  const TempDir dir;
  const Tensors original = model();
  write_model(dir / "m", original);
  const auto quantized = [&](const char* format, const char* dialect) {
    const fs::path q = dir / format;
    REQUIRE(nvq({"quantize", (dir / "m").string(), q.string(), "--format", format, "--dialect", dialect,
                 "--quiet"})
                .status == 0);
    return std::pair(read_checkpoint(q), compared(dir, dir / "m", q));
  };
  const Raw& x = original.at(down2 + ".weight");
  {
    const auto [stored, report] = quantized("nvfp4", "modelopt");
    const Raw& scales = stored.at(down2 + ".weight_scale");
    const auto multiplier =
        static_cast<double>(value_at<float>(stored.at(down2 + ".weight_scale_2").bytes, 0));
    std::int64_t clipped = 0;
    std::map<std::uint8_t, std::int64_t> counts;
    for (std::size_t i = 0; i < x.bytes.size() / 2; ++i) {
      const auto scale = static_cast<std::uint8_t>(scales.bytes[i / 16]);
      clipped +=
          std::abs(bf16(x.bytes, i)) > static_cast<double>(static_cast<float>(6 * e4m3(scale) * multiplier));
    }
    CHECK(clipped > 100);
    CHECK(tensor(report, down2 + ".weight")["clipped"] == clipped);
    // The histogram counts every block scale of all three.
    for (const std::string& name : {q0, down2, up10})
      for (const char c : stored.at(name + ".weight_scale").bytes) ++counts[static_cast<std::uint8_t>(c)];
    REQUIRE(report["scales"].size() == 1);
    const json& bars = report["scales"][0]["bars"];
    REQUIRE(bars.size() == counts.size());
    std::size_t bar = 0;
    for (const auto& [code, count] : counts) {
      CHECK(std::stod(bars[bar][0].get<std::string>()) == Approx(e4m3(code)).epsilon(0.006));
      CHECK(bars[bar++][1] == count);
    }
  }
  const auto [stored, report] = quantized("int8", "compressed-tensors");
  std::int64_t clipped = 0;
  for (std::size_t i = 0; i < x.bytes.size() / 2; ++i) {
    const double scale = bf16(stored.at(down2 + ".weight_scale").bytes, i / 256), a = bf16(x.bytes, i);
    clipped += a > 127 * scale || a < -128 * scale;
  }
  CHECK(tensor(report, down2 + ".weight")["clipped"] == clipped);
  CHECK(report["scales"][0]["title"] == "BF16 scales of int8");
}

TEST_CASE("either side of a comparison may be quantized", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model());
  for (const std::string format : {"nvfp4", "mxfp4"})
    REQUIRE(nvq({"quantize", (dir / "m").string(), (dir / format).string(), "--format", format, "--quiet"})
                .status == 0);
  REQUIRE(nvq({"dequantize", (dir / "nvfp4").string(), (dir / "plain").string(), "--dtype", "f32", "--quiet"})
              .status == 0);
  // A decoded model is the quantized one.
  const json itself = compared(dir, dir / "nvfp4", dir / "plain");
  for (const json& t : itself["tensors"]) CHECK(t["noise"] == 0);
  const json coded = compared(dir, dir / "nvfp4", dir / "mxfp4"),
             decoded = compared(dir, dir / "plain", dir / "mxfp4");
  for (const json& t : decoded["tensors"]) {
    CHECK(tensor(coded, t["name"])["noise"] == t["noise"]);
    CHECK(tensor(coded, t["name"])["signal"] == t["signal"]);
  }
}

TEST_CASE("a comparison is the same for any number of threads, in the order of the layers", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model());
  REQUIRE(nvq({"quantize", (dir / "m").string(), (dir / "q").string(), "--quiet"}).status == 0);
  const json one = compared(dir, dir / "m", dir / "q", {"--threads", "1"});
  CHECK(one == compared(dir, dir / "m", dir / "q", {"--threads", "3"}));
  std::vector<std::string> names;
  for (const json& t : one["tensors"]) names.push_back(t["name"]);
  CHECK(names ==
        std::vector<std::string>{q0 + ".weight", down2 + ".weight", up10 + ".weight", "model.norm.weight"});
}

TEST_CASE("what is worth keeping comes first", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model());
  REQUIRE(nvq({"quantize", (dir / "m").string(), (dir / "q").string(), "--quiet"}).status == 0);
  const json report = compared(dir, dir / "m", dir / "q");
  const json& keep = report["worth_keeping"];
  REQUIRE(keep.size() == 3);
  double shares = 0, noise = 0, best = 1e300;
  for (const std::string& name : {q0, down2, up10}) {
    const json t = tensor(report, name + ".weight");
    noise += t["noise"].get<double>() / t["signal"].get<double>();
  }
  for (const json& k : keep) {
    const json t = tensor(report, k["group"].get<std::string>() + ".weight");
    // Sixteen bits in place of four and a half, and of the tensor's own scale.
    CHECK(k["extra_bytes"] == t["values"].get<std::int64_t>() * 23 / 16 - 4);
    const auto share = k["share_of_noise"].get<double>();
    CHECK(share == approx(t["noise"].get<double>() / t["signal"].get<double>() / noise));
    CHECK(share / k["extra_bytes"].get<double>() <= best);
    best = share / k["extra_bytes"].get<double>();
    shares += share;
  }
  CHECK(shares == approx(1));
}

TEST_CASE("the page of a comparison needs nothing but itself", "[app]") {
  const TempDir dir;
  Tensors t = model();
  t["<b>&amp;.q_proj.weight"] = weights("BF16", 16, 32, 9);
  write_model(dir / "m", t);
  REQUIRE(nvq({"quantize", (dir / "m").string(), (dir / "q").string(), "--quiet"}).status == 0);
  const fs::path page = dir / "page.html";
  const Outcome done = nvq({"compare", (dir / "m").string(), (dir / "q").string(), "--html", page.string()});
  REQUIRE(done.status == 0);
  CHECK(done.out.find("model.layers.2.mlp.down_proj.weight") != std::string::npos);
  std::string html = read_file(page);
  CHECK(html.find("&lt;b&gt;&amp;amp;.q_proj") != std::string::npos);
  CHECK(html.find("<b>") == std::string::npos);
  for (const char* word : {"<script", "src=", "href=", "@import", "url("})
    CHECK(html.find(word) == std::string::npos);
  for (std::size_t at = html.find("http"); at != std::string::npos; at = html.find("http", at + 1))
    CHECK(html.compare(at, 26, "http://www.w3.org/2000/svg") == 0);
  for (const char* part :
       {"SQNR of every kind of weight in every layer", "SQNR of each class, layer by layer",
        "E4M3 scales of nvfp4", "Worst weights", "Worth keeping"})
    CHECK(html.find(part) != std::string::npos);
  // Every element ends where it must.
  std::vector<std::string> open;
  const std::set<std::string> single = {"!DOCTYPE", "meta"};
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::size_t end = html.find('>', at);
    REQUIRE(end != std::string::npos);
    const bool closes = html[at + 1] == '/';
    const std::size_t begin = at + (closes ? 2 : 1);
    const std::string name = html.substr(begin, html.find_first_of(" >/", begin) - begin);
    if (closes) {
      REQUIRE(!open.empty());
      REQUIRE(open.back() == name);
      open.pop_back();
    } else if (html[end - 1] != '/' && single.count(name) == 0) {
      open.push_back(name);
    }
  }
  CHECK(open.empty());
}

TEST_CASE("models that differ in more than values", "[app]") {
  const TempDir dir;
  Tensors a = model(), b = model();
  a["only.a.weight"] = weights("BF16", 4, 4, 1);
  b["only.b.weight"] = weights("BF16", 4, 4, 1);
  b[up10 + ".weight"] = weights("BF16", 64, 128, 3);
  b["model.norm.weight"].bytes[1] = '\x7f';  // NaN
  b["model.norm.weight"].bytes[0] = '\xff';
  write_model(dir / "a", a);
  write_model(dir / "b", b);
  const json report = compared(dir, dir / "a", dir / "b");
  CHECK(report["notes"] ==
        json({"1 weights are in the first model only, such as only.a.weight",
              "1 weights are in the second model only, such as only.b.weight",
              "1 weights have another shape in the second model, such as " + up10 + ".weight",
              "1 values are NaN or infinite on one side; they are left out of all sums"}));
  const json norm = tensor(report, "model.norm.weight");
  CHECK(norm["not_finite"] == 1);
  CHECK(norm["noise"] == 0);
  CHECK(compared(dir, dir / "a", dir / "b", {"--only", "*.q_proj.weight"})["tensors"].size() == 1);
  const auto fails = [&](std::vector<std::string> options, int status, const std::string& why) {
    options.insert(options.begin(), "compare");
    const Outcome done = nvq(options);
    INFO(done.err);
    CHECK(done.status == status);
    CHECK(done.err.find(why) != std::string::npos);
  };
  const std::string first = (dir / "a").string(), second = (dir / "b").string();
  fails({first, second, "--min-db", "20"}, 2, "model.norm.weight has inf dB and values that are not finite");
  fails({first, first, "--min-db", "20"}, 0, "");
  // Zeros that became something: no signal, all noise.
  Tensors zeros = {{"l.weight", weights("BF16", 8, 8, 1)}};
  write_model(dir / "y", zeros);
  zeros["l.weight"].bytes.assign(128, '\0');
  write_model(dir / "x", zeros);
  const Outcome lost = nvq({"compare", (dir / "x").string(), (dir / "y").string()});
  CHECK(lost.out.find("-inf") != std::string::npos);
  CHECK(tensor(compared(dir, dir / "x", dir / "y"), "l.weight")["sqnr_db"].is_null());
  fails({(dir / "x").string(), (dir / "y").string(), "--min-db", "1"}, 2, "l.weight has -inf dB");
  REQUIRE(nvq({"quantize", first, (dir / "q").string(), "--quiet"}).status == 0);
  fails({first, (dir / "q").string(), "--min-db", "100"}, 2, " dB");
  fails({first, second, "--html", (dir / "no" / "page.html").string()}, 1, "there is no directory");
  CHECK(nvq({"compare", first, second, "--quiet", "--json", "/dev/full"}).status == 1);
  fails({first, second, "--only", "nothing"}, 1, "--only nothing: that is the name of no weight");
  fails({first, (dir / "none").string()}, 1, "there is no such directory");
}
