// SPDX-License-Identifier: GPL-3.0-or-later
// What the built programs load: the window must not wait for LibTorch, the command line not for Qt,
// nothing for Python.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> buffer{};
  while (pipe != nullptr && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr)
    text += buffer.data();
  return text;
}

/// Every library the loader would map for a file of build/bin, direct and indirect.
std::string loaded_libraries(const std::string& name) {
  const std::string file = std::string(PARADIGM_BIN_DIR) + "/" + name;
  EXPECT_TRUE(std::filesystem::exists(file)) << file;
  const std::string text = output_of("ldd '" + file + "' 2>&1");
  EXPECT_NE(text.find("libc.so"), std::string::npos) << text;
  EXPECT_EQ(text.find("not found"), std::string::npos) << text;
  return text;
}

void expect_absent(const std::string& libraries, const std::string& name) {
  EXPECT_EQ(libraries.find(name), std::string::npos) << libraries;
}

TEST(LinkBoundaries, CommandLineNeedsNeitherQtNorTorchNorPython) {
  const std::string libraries = loaded_libraries("paradigm");
  expect_absent(libraries, "libQt");
  expect_absent(libraries, "libtorch");
  expect_absent(libraries, "libc10");
  expect_absent(libraries, "libpython");
}

TEST(LinkBoundaries, WorkbenchStartsWithoutTorch) {
  const std::string libraries = loaded_libraries("paradigm-workbench");
  expect_absent(libraries, "libtorch");
  expect_absent(libraries, "libc10");
  expect_absent(libraries, "libcuda");
}

TEST(LinkBoundaries, EngineModuleNeedsNeitherPythonNorQt) {
  const std::string libraries = loaded_libraries("libparadigm_engine.so");
  EXPECT_NE(libraries.find("libtorch_cpu.so"), std::string::npos);
  expect_absent(libraries, "libpython");
  expect_absent(libraries, "libQt");
}

TEST(LinkBoundaries, EngineModuleExportsOneSymbol) {
  const std::string symbols = output_of("nm -D --defined-only '" PARADIGM_BIN_DIR
                                        "/libparadigm_engine.so' | grep -c ' T paradigm_engine$'");
  EXPECT_EQ(symbols, "1\n");
}

}  // namespace
