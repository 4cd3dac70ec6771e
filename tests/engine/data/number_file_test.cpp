// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/number_file.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace {

using engine::NumberArray;
using engine::read_number_file;
using tests::ScratchFolder;

using Shape = std::vector<std::int64_t>;
using Values = std::vector<double>;

class NumberFile : public testing::Test {
 protected:
  NumberArray read(const std::string& name, const std::string& content) const {
    return read_number_file(scratch_.write(name, content), "y");
  }
  std::string complaint(const std::string& name, const std::string& content) const {
    try {
      read(name, content);
    } catch (const engine::Error& error) {
      return error.what();
    }
    return "";
  }
  ScratchFolder scratch_;
};

/// A version 1 file as numpy.save writes it.
std::string npy(std::string header, const std::string& data) {
  header.resize((header.size() + 10 + 64) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  const char length[2] = {static_cast<char>(header.size() & 0xFF),
                          static_cast<char>(header.size() >> 8)};
  return std::string("\x93NUMPY\x01\x00", 8) + std::string(length, 2) + header + data;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

TEST_F(NumberFile, TextInColumns) {
  const NumberArray array =
      read("a.csv", "# made on Tuesday\nch0,ch1,ch2\n1,2.5,-3e-2\r\n4,nan,6\n");
  EXPECT_EQ(array.shape, Shape({2, 3}));
  EXPECT_EQ(array.values[2], -0.03);
  EXPECT_TRUE(std::isnan(array.values[4]));
  EXPECT_EQ(read("b.txt", "1 2\t3\n\n4  5 6").values, Values({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(read("c.tsv", "+1;2\n").values, Values({1, 2}));
}

TEST_F(NumberFile, TextThatIsNotNumbers) {
  EXPECT_NE(complaint("a.csv", "1,2\n3,four\n").find("a.csv:2:2"), std::string::npos);
  EXPECT_NE(complaint("b.csv", "1,2\n3\n").find("1 numbers, the lines before it 2"),
            std::string::npos);
  EXPECT_NE(complaint("c.csv", "1,,3\n").find("column 2"), std::string::npos);
  EXPECT_NE(complaint("d.csv", "a,b\n").find("no numbers"), std::string::npos);
  EXPECT_NE(complaint("e.csv", "a,b\nc,d\n").find("\"c\" is not a number"), std::string::npos);
}

TEST_F(NumberFile, NpyOfEveryOrder) {
  const std::string c_order = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }",
                                  bytes_of<double>({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(read("a.npy", c_order).shape, Shape({2, 3}));
  EXPECT_EQ(read("a.npy", c_order).values, Values({1, 2, 3, 4, 5, 6}));
  const std::string f_order = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
                                  bytes_of<float>({1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(read("b.npy", f_order).values, Values({1, 2, 3, 4, 5, 6}));
  const std::string halves = npy("{'descr': '<f2', 'fortran_order': False, 'shape': (4,), }",
                                 bytes_of<std::uint16_t>({0x3C00, 0xC100, 0x0001, 0x7BFF}));
  EXPECT_EQ(read("c.npy", halves).values, Values({1, -2.5, 0x1p-24, 65504}));
  const std::string bytes = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }",
                                std::string("\x00\x7F\xFF", 3));
  EXPECT_EQ(read("d.npy", bytes).values, Values({0, 127, 255}));
}

TEST_F(NumberFile, DamagedNpy) {
  const std::string whole = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }",
                                bytes_of<double>({1, 2, 3, 4}));
  EXPECT_NE(complaint("a.npy", whole.substr(0, whole.size() - 1)).find("needs 32 bytes"),
            std::string::npos);
  EXPECT_NE(complaint("b.npy", whole.substr(0, 40)).find("ends inside"), std::string::npos);
  EXPECT_NE(complaint("c.npy", "not numpy at all").find("not a .npy file"), std::string::npos);
  EXPECT_NE(complaint("d.npy", npy("{'descr': '>f8', 'fortran_order': False, 'shape': (0,), }", ""))
                .find(">f8"),
            std::string::npos);
  EXPECT_NE(complaint("e.npy", npy("{'descr': '<f8', 'fortran_order': False, }", ""))
                .find("no key 'shape'"),
            std::string::npos);
}

TEST_F(NumberFile, Safetensors) {
  const std::vector<std::uint16_t> brain = {0x3F80, 0xC020, 0x7F80};
  const std::vector<float> other = {7};
  const auto file = scratch_ / "r.safetensors";
  engine::write_safetensors(file, {{"y", "BF16", {3}, std::as_bytes(std::span(brain))},
                                   {"z", "F32", {1}, std::as_bytes(std::span(other))}});
  const NumberArray array = read_number_file(file, "y");
  EXPECT_EQ(array.values[1], -2.5);
  EXPECT_TRUE(std::isinf(array.values[2]));
  EXPECT_THROW(read_number_file(file, "readings"), engine::Error);
  engine::write_safetensors(file, {{"only", "F32", {1}, std::as_bytes(std::span(other))}});
  EXPECT_EQ(read_number_file(file, "y").values, Values({7}));
}

TEST_F(NumberFile, UnknownEndingsAndMissingFiles) {
  EXPECT_NE(complaint("a.xlsx", "1").find(".xlsx"), std::string::npos);
  EXPECT_THROW(read_number_file(scratch_ / "none.csv", "y"), engine::Error);
}

}  // namespace
