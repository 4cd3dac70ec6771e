// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transform/transform_histogram.h"

#include "engine/error.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TransformHistogram small() {
  return {{{"model\\.layers\\.[0-9]+\\.self_attn",
            {"model.layers.0.self_attn", "model.layers.1.self_attn"}},
           {"default", {"lm_head"}}}};
}

TEST(TransformHistogram, HasUpstreamsStructureByteForByte) {
  EXPECT_EQ(transform_histogram_json(small()), R"({
    "model\\.layers\\.[0-9]+\\.self_attn": {
        "count": 2,
        "layers": [
            "model.layers.0.self_attn",
            "model.layers.1.self_attn"
        ]
    },
    "default": {
        "count": 1,
        "layers": [
            "lm_head"
        ]
    },
    "total": {
        "layer count": 3,
        "pattern count": 2
    }
}
)");
}

TEST(TransformHistogram, RoundTrips) {
  const TransformHistogram read =
      parse_transform_histogram(transform_histogram_json(small()), "h.json");
  ASSERT_EQ(read.entries.size(), 2u);
  EXPECT_EQ(read.entries[0].pattern, small().entries[0].pattern);
  EXPECT_EQ(read.entries[0].layers, small().entries[0].layers);
  EXPECT_EQ(read.entries[1].pattern, "default");
  EXPECT_EQ(read.layer_count(), 3);
}

TEST(TransformHistogram, TheRealTotalsWinOverAPatternOfThatName) {
  TransformHistogram histogram = small();
  histogram.entries.insert(histogram.entries.begin(), HistogramEntry{"total", {"total"}});
  const std::string json = transform_histogram_json(histogram);
  EXPECT_NE(json.find("\"layer count\": 4"), std::string::npos);
  EXPECT_GT(json.find("\"total\": {"), json.find("\"default\""));
}

TEST(TransformHistogram, NothingReplacedHasTotalsOnly) {
  const std::string json = transform_histogram_json({});
  EXPECT_NE(json.find("\"layer count\": 0"), std::string::npos);
  EXPECT_TRUE(parse_transform_histogram(json, "h").entries.empty());
}

TEST(TransformHistogram, OtherFilesAreRefusedByName) {
  for (const char* text :
       {"", "[1]", "{\"a\": 1}", "{\"a\": {\"layers\": 1}}", "{\"a\": {\"layers\": [1]}}", "{"}) {
    try {
      parse_transform_histogram(text, "h.json");
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("h.json"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace engine
