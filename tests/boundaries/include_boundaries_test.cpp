// SPDX-License-Identifier: GPL-3.0-or-later
// The dependency rule of CONTRIBUTING.md, read from the compiler's own dependency lists.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

/// Object file -> every header it was compiled from, as ninja recorded them.
std::map<std::string, std::vector<std::string>> recorded_dependencies() {
  std::map<std::string, std::vector<std::string>> dependencies;
  const std::string command = "ninja -C '" PARADIGM_BUILD_DIR "' -t deps 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::vector<std::string>* current = nullptr;
  std::array<char, 8192> buffer{};
  while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
    std::string line = buffer.data();
    while (!line.empty() && line.back() == '\n') line.pop_back();
    if (line.empty()) continue;
    if (line.rfind("    ", 0) == 0) {
      if (current != nullptr) current->push_back(line.substr(4));
    } else {
      current = &dependencies[line.substr(0, line.find(':'))];
    }
  }
  return dependencies;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    if (text.rfind(prefix, 0) == 0) return true;
  }
  return false;
}

bool contains_any(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

/// "object includes header" for each object below one of `objects` that includes a header with one
/// of `forbidden`.
std::set<std::string> violations(const std::vector<std::string>& objects,
                                 const std::vector<std::string>& forbidden) {
  static const auto dependencies = recorded_dependencies();
  std::set<std::string> found;
  int looked_at = 0;
  for (const auto& [object, headers] : dependencies) {
    if (!starts_with_any(object, objects)) continue;
    ++looked_at;
    for (const std::string& header : headers) {
      if (contains_any(header, forbidden)) found.insert(object + " includes " + header);
    }
  }
  EXPECT_GT(looked_at, 0) << "ninja recorded no dependencies for " << objects.front();
  return found;
}

const std::vector<std::string> kTorch = {"/torch/include/", "/ATen/", "/c10/"};
const std::vector<std::string> kQt = {"/qt6/", "qcustomplot.h"};

TEST(IncludeBoundaries, EngineModelSeesNoTorch) {
  EXPECT_EQ(violations({"engine/CMakeFiles/engine_model.dir"}, kTorch), std::set<std::string>{});
}

TEST(IncludeBoundaries, KernelsSeeNeitherTorchNorQt) {
  EXPECT_EQ(violations({"kernels/CMakeFiles/"}, {"/torch/include/", "/ATen/", "/c10/", "/qt6/"}),
            std::set<std::string>{});
}

TEST(IncludeBoundaries, KernelsIncludeNothingOfTheEngine) {
  EXPECT_EQ(violations({"kernels/CMakeFiles/"}, {PARADIGM_SOURCE_DIR "/engine/"}),
            std::set<std::string>{});
}

TEST(IncludeBoundaries, WidgetsAndProgramsSeeNoTorch) {
  EXPECT_EQ(violations({"widgets/CMakeFiles/", "app/"}, kTorch), std::set<std::string>{});
}

TEST(IncludeBoundaries, WidgetsIncludeNothingOfTheApplication) {
  EXPECT_EQ(violations({"widgets/CMakeFiles/"}, {PARADIGM_SOURCE_DIR "/app/"}),
            std::set<std::string>{});
}

TEST(IncludeBoundaries, EngineAndCommandLineSeeNoQt) {
  EXPECT_EQ(violations({"engine/CMakeFiles/", "app/paradigm/"}, kQt), std::set<std::string>{});
}

TEST(IncludeBoundaries, OnlyYamlDocumentIncludesYamlCpp) {
  std::set<std::string> found;
  for (const std::string& line : violations({"engine/CMakeFiles/"}, {"/yaml-cpp/"})) {
    if (line.find("config/yaml_document.cpp") == std::string::npos) found.insert(line);
  }
  EXPECT_EQ(found, std::set<std::string>{});
}

TEST(IncludeBoundaries, OnlyTomlDocumentIncludesTomlPlusPlus) {
  std::set<std::string> found;
  for (const std::string& line : violations({"engine/CMakeFiles/"}, {"/toml++/"})) {
    if (line.find("config/toml_document.cpp") == std::string::npos) found.insert(line);
  }
  EXPECT_EQ(found, std::set<std::string>{});
}

TEST(IncludeBoundaries, OnlyParquetTextIncludesArrow) {
  std::set<std::string> found;
  for (const std::string& line :
       violations({"engine/CMakeFiles/"}, {"/include/arrow/", "/include/parquet/"})) {
    if (line.find("data/parquet_text.cpp") == std::string::npos) found.insert(line);
  }
  EXPECT_EQ(found, std::set<std::string>{});
}

}  // namespace
