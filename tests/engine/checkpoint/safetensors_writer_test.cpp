// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/safetensors_file.h"
#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

namespace engine {
namespace {

std::vector<std::byte> counting(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

int entries_in(const std::filesystem::path& folder) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(SafetensorsWriter, WhatIsWrittenReadsBack) {
  const tests::ScratchFolder folder;
  const auto bytes = counting(64);
  const std::span<const std::byte> all = bytes;
  write_safetensors(folder / "m.safetensors",
                    {{"z", "U8", {5}, all.first(5)},
                     {"layer \"1\"/π", "F32", {2, 3}, all.first(24)},
                     {"scalar", "BF16", {}, all.subspan(7, 2)},
                     {"empty", "I64", {0, 4}, {}}},
                    {{"format", "pt"}, {"note", "ä"}});
  const SafetensorsFile file(folder / "m.safetensors");
  ASSERT_EQ(file.tensors().size(), 4u);
  EXPECT_EQ(file.metadata().at("note"), "ä");
  const TensorEntry* layer = file.find("layer \"1\"/π");
  ASSERT_NE(layer, nullptr);
  EXPECT_EQ(layer->shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(std::ranges::equal(file.bytes(*layer), all.first(24)));
  EXPECT_TRUE(std::ranges::equal(file.bytes(*file.find("scalar")), all.subspan(7, 2)));
  EXPECT_EQ(file.find("scalar")->elements(), 1);
  EXPECT_EQ(file.find("empty")->elements(), 0);
  EXPECT_EQ(entries_in(folder.path()), 1);
}

TEST(SafetensorsWriter, DataIsAlignedWidestFirst) {
  const tests::ScratchFolder folder;
  const auto bytes = counting(8);
  const std::span<const std::byte> all = bytes;
  write_safetensors(
      folder / "m.safetensors",
      {{"a", "U8", {1}, all.first(1)}, {"b", "F64", {1}, all}, {"c", "F32", {1}, all.first(4)}});
  const SafetensorsFile file(folder / "m.safetensors");
  EXPECT_EQ(file.find("b")->begin, 0u);
  EXPECT_EQ(file.find("c")->begin, 8u);
  EXPECT_EQ(file.find("a")->begin, 12u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.bytes(*file.find("b")).data()) % 8, 0u);
}

TEST(SafetensorsWriter, TheSameTensorsGiveTheSameBytes) {
  const tests::ScratchFolder folder;
  const auto bytes = counting(8);
  const TensorToWrite a{"a", "F32", {2}, bytes};
  const TensorToWrite b{"b", "F32", {2}, bytes};
  write_safetensors(folder / "1", {a, b});
  write_safetensors(folder / "2", {b, a});
  EXPECT_EQ(tests::content_of(folder / "1"), tests::content_of(folder / "2"));
}

TEST(SafetensorsWriter, BadTensorsAreRefusedAndNothingIsWritten) {
  const tests::ScratchFolder folder;
  const auto bytes = counting(8);
  const std::vector<std::vector<TensorToWrite>> bad = {
      {{"a", "F32", {3}, bytes}},
      {{"a", "F33", {8}, bytes}},
      {{"a", "F32", {-2}, bytes}},
      {{"", "F32", {2}, bytes}},
      {{"__metadata__", "F32", {2}, bytes}},
      {{"\xFF", "F32", {2}, bytes}},
      {{"a", "F32", {2}, bytes}, {"a", "F32", {2}, bytes}},
      {{"a", "F32", {std::int64_t{1} << 62, 4}, bytes}},
  };
  for (const auto& tensors : bad) EXPECT_THROW(write_safetensors(folder / "m", tensors), Error);
  EXPECT_EQ(entries_in(folder.path()), 0);
}

/// Writes 1 MB over an older file and expects a refusal that leaves the old one as it was.
void expect_failure_keeps_the_old_file(const std::filesystem::path& folder) {
  const auto file = folder / "model.safetensors";
  const std::string before = tests::content_of(file);
  const auto bytes = counting(1 << 20);
  try {
    write_safetensors(file, {{"big", "U8", {1 << 20}, bytes}});
    ADD_FAILURE() << "the write succeeded";
  } catch (const Error& error) {
    EXPECT_EQ(error.problems()[0].place.file, file.string());
    EXPECT_EQ(error.problems()[0].id, "cannot-write");
  }
  EXPECT_EQ(tests::content_of(file), before);
  EXPECT_EQ(entries_in(folder), before.empty() ? 0 : 1);
}

void write_an_older_file(const std::filesystem::path& folder) {
  const auto bytes = counting(16);
  write_safetensors(folder / "model.safetensors", {{"old", "F32", {4}, bytes}});
}

TEST(SafetensorsWriter, ALimitOnFileSizeLeavesTheOldFile) {
  const tests::ScratchFolder folder;
  write_an_older_file(folder.path());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_failure_keeps_the_old_file(folder.path());
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
}

TEST(SafetensorsWriter, AFullDiskLeavesTheOldFile) {
  const tests::ScratchFolder folder;
  if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=128k") != 0) {
    GTEST_SKIP() << "mounting a small tmpfs needs root and a kernel that permits it";
  }
  write_an_older_file(folder.path());
  expect_failure_keeps_the_old_file(folder.path());
  EXPECT_EQ(::umount(folder.path().c_str()), 0);
}

TEST(SafetensorsWriter, AReadOnlyFolderIsRefused) {
  const tests::ScratchFolder folder;
  write_an_older_file(folder.path());
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  const bool root = ::geteuid() == 0;
  // Root may write anywhere; as nobody it may not.
  if (root && ::seteuid(65534) != 0) GTEST_SKIP() << "cannot give up root's rights";
  const auto bytes = counting(4);
  EXPECT_THROW(write_safetensors(folder / "new.safetensors", {{"a", "F32", {1}, bytes}}), Error);
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_EQ(entries_in(folder.path()), 1);
  ::chmod(folder.path().c_str(), 0755);
}

TEST(SafetensorsWriter, AMissingFolderIsRefused) {
  const tests::ScratchFolder folder;
  const auto bytes = counting(4);
  EXPECT_THROW(write_safetensors(folder / "absent" / "m", {{"a", "F32", {1}, bytes}}), Error);
  EXPECT_EQ(entries_in(folder.path()), 0);
}

TEST(SafetensorsWriter, AFolderInTheFilesPlaceIsRefused) {
  const tests::ScratchFolder folder;
  folder.write("m/inside", "x");
  const auto bytes = counting(4);
  EXPECT_THROW(write_safetensors(folder / "m", {{"a", "F32", {1}, bytes}}), Error);
  EXPECT_EQ(entries_in(folder.path()), 1);
}

}  // namespace
}  // namespace engine
