// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/remote/remote_stream.h"

#include "engine/error.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace {

using engine::RemoteFrame;
using engine::RemoteStream;
using Kind = RemoteFrame::Kind;

const std::string kStream =
    "R run a\n"
    "F 3 status.json run a\n{}\n"
    "D 0 10 run a\n123456789\n"
    "D 10 0 run a\n"
    "L held run a\nP 2 checkpoint-1 checkpoint-20 run a\nP 0 .\nS\nH 1700000000\nX run a\n"
    "E cannot open it\n";

std::vector<RemoteFrame> frames_of(const std::string& bytes, std::size_t piece) {
  RemoteStream stream;
  std::vector<RemoteFrame> frames;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    stream.feed(std::string_view(bytes).substr(at, piece),
                [&](RemoteFrame&& frame) { frames.push_back(std::move(frame)); });
  }
  return frames;
}

TEST(RemoteStream, AnySplitOfTheBytesGivesTheSameFrames) {
  const auto whole = frames_of(kStream, kStream.size());
  ASSERT_EQ(whole.size(), 11u);
  EXPECT_EQ(whole[1].name, "status.json");
  EXPECT_EQ(whole[1].bytes, "{}\n");
  EXPECT_EQ(whole[2].bytes, "123456789\n");
  EXPECT_EQ(whole[2].run, "run a");
  EXPECT_EQ(whole[3].offset, 10u);
  EXPECT_EQ(whole[5].name, "checkpoint-1 checkpoint-20");
  EXPECT_EQ(whole[6].run, ".");
  EXPECT_EQ(whole[8].offset, 1700000000u);
  EXPECT_EQ(whole[10].name, "cannot open it");
  for (std::size_t piece = 1; piece < 40; ++piece) {
    const auto parts = frames_of(kStream, piece);
    ASSERT_EQ(parts.size(), whole.size()) << piece;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      EXPECT_EQ(parts[i].kind, whole[i].kind);
      EXPECT_EQ(parts[i].bytes, whole[i].bytes);
      EXPECT_EQ(parts[i].run, whole[i].run);
    }
  }
}

TEST(RemoteStream, NoNameLeadsOutOfTheFolder) {
  for (const char* wrong : {"R ..\n", "R ../x\n", "R a/b\n", "R \n", "F 1 ../x run\nx",
                            "F 1 .hidden run\nx", "P 1 ../checkpoint-1 run\n", "X .ssh\n"}) {
    EXPECT_THROW(frames_of(wrong, 100), engine::Error) << wrong;
  }
}

TEST(RemoteStream, RefusesWhatALoginShellPrintsAndSizesBeyondReason) {
  for (const char* wrong :
       {"Welcome to lab1!\n", "D 0 99999999999 run\n", "D x 1 run\n", "D 0 -1 run\n"}) {
    EXPECT_THROW(frames_of(wrong, 100), engine::Error) << wrong;
  }
  EXPECT_THROW(frames_of(std::string(1 << 17, 'x'), 4096), engine::Error);
}

TEST(RemoteStream, RandomBytesNeverCrash) {
  std::mt19937 generator(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = kStream;
    for (int i = 0; i < 4; ++i) bytes[generator() % bytes.size()] = char(generator() % 256);
    try {
      for (const auto& frame : frames_of(bytes, 1 + generator() % 64)) {
        EXPECT_EQ(frame.run.find('/'), std::string::npos);
      }
    } catch (const engine::Error&) {
    }
  }
}

TEST(PosixChecksum, IsThatOfTheProgram) {
  EXPECT_EQ(engine::posix_checksum(""), "4294967295 0");
  EXPECT_EQ(engine::posix_checksum("hello\n"), "3015617425 6");
}

}  // namespace
