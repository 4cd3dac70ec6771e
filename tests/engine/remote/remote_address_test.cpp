// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/remote/remote_address.h"

#include "engine/error.h"

#include <gtest/gtest.h>

namespace {

using engine::parse_remote_address;

TEST(RemoteAddress, TakesHostUserPortAndPathApart) {
  const auto plain = parse_remote_address("ssh://lab1/data/runs/");
  EXPECT_EQ(plain.host, "lab1");
  EXPECT_EQ(plain.port, 0);
  EXPECT_EQ(plain.path, "/data/runs");
  const auto full = parse_remote_address("ssh://ann@gpu.example.org:2222/~/runs/a");
  EXPECT_EQ(full.host, "ann@gpu.example.org");
  EXPECT_EQ(full.port, 2222);
  EXPECT_EQ(full.path, "~/runs/a");
  EXPECT_EQ(full.text(), "ssh://ann@gpu.example.org:2222/~/runs/a");
  EXPECT_FALSE(engine::is_remote_address("/data/ssh://"));
}

TEST(RemoteAddress, RefusesWhatSshWouldMisread) {
  for (const char* wrong : {"ssh://", "ssh://host", "ssh://host/", "ssh:///data", "ssh://h:0/d",
                            "ssh://h:99999/d", "ssh://h:x/d", "ssh://-oProxyCommand=x/d",
                            "ssh://a b/d", "ssh://ann@/d", "ssh://h/d\nrm"}) {
    EXPECT_THROW(parse_remote_address(wrong), engine::Error) << wrong;
  }
}

}  // namespace
