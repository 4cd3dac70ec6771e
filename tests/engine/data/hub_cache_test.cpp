// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/data/hub_cache.h"

#include "engine/error.h"
#include "tests/support/scratch_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace engine {
namespace {

namespace fs = std::filesystem;

const std::string commit = "0123456789abcdef0123456789abcdef01234567";
const std::string older = "fedcba9876543210fedcba9876543210fedcba98";

class HubCache : public ::testing::Test {
 protected:
  HubCache() {
    for (const char* name : {"HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"}) ::unsetenv(name);
    ::setenv("HOME", folder_.path().c_str(), 1);
    ::setenv("HF_HUB_CACHE", (folder_ / "hub").c_str(), 1);
  }

  void add(const std::string& repository, const std::string& reference,
           const std::string& id) const {
    folder_.write("hub/" + repository + "/refs/" + reference, id);
    folder_.write("hub/" + repository + "/snapshots/" + id + "/config.json", "{}");
  }

  static std::string error_of(const std::string& name, HubKind kind = HubKind::model,
                              const std::string& revision = "main") {
    try {
      return "no error, but " + resolve_hub_path(name, kind, revision).string();
    } catch (const Error& error) {
      return error.what();
    }
  }

  const tests::ScratchFolder folder_;
};

TEST_F(HubCache, IsWhereTheEnvironmentSays) {
  EXPECT_EQ(hub_cache_dir(), folder_ / "hub");
  ::setenv("HF_HOME", "/home/of/hf", 1);
  EXPECT_EQ(hub_cache_dir(), folder_ / "hub");
  ::setenv("HF_HUB_CACHE", "", 1);
  EXPECT_EQ(hub_cache_dir(), "/home/of/hf/hub");
  ::setenv("HF_HOME", "~/hf", 1);
  EXPECT_EQ(hub_cache_dir(), folder_ / "hf/hub");
  ::unsetenv("HF_HOME");
  ::setenv("XDG_CACHE_HOME", "/caches", 1);
  EXPECT_EQ(hub_cache_dir(), "/caches/huggingface/hub");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(hub_cache_dir(), folder_ / ".cache/huggingface/hub");
}

TEST_F(HubCache, ResolvesBranchTagAndCommit) {
  add("models--org--name", "main", commit);
  add("models--org--name", "refs/pr/1", older);
  add("models--gpt2", "main", commit);
  add("datasets--org--name", "main", older);
  const fs::path snapshots = folder_ / "hub/models--org--name/snapshots";
  EXPECT_EQ(resolve_hub_path("org/name", HubKind::model), snapshots / commit);
  EXPECT_EQ(resolve_hub_path("org/name", HubKind::model, "refs/pr/1"), snapshots / older);
  EXPECT_EQ(resolve_hub_path("org/name", HubKind::model, older), snapshots / older);
  EXPECT_EQ(resolve_hub_path("gpt2", HubKind::model),
            folder_ / "hub/models--gpt2/snapshots" / commit);
  EXPECT_EQ(resolve_hub_path("org/name", HubKind::dataset),
            folder_ / "hub/datasets--org--name/snapshots" / older);
}

TEST_F(HubCache, PrefersALocalFolderOfThatName) {
  add("models--org--name", "main", commit);
  folder_.write("work/org/name/config.json", "{}");
  const fs::path before = fs::current_path();
  fs::current_path(folder_ / "work");
  EXPECT_EQ(resolve_hub_path("org/name", HubKind::model), "org/name");
  fs::current_path(before);
  EXPECT_EQ(resolve_hub_path((folder_ / "work").string(), HubKind::model), folder_ / "work");
  EXPECT_EQ(resolve_hub_path("~/work", HubKind::model), folder_ / "work");
}

TEST_F(HubCache, PrintsTheCommandThatDownloads) {
  EXPECT_NE(error_of("org/name").find("hf download org/name ("), std::string::npos)
      << error_of("org/name");
  EXPECT_NE(
      error_of("org/name", HubKind::dataset).find("hf download org/name --repo-type dataset ("),
      std::string::npos);
  EXPECT_NE(error_of("org/name", HubKind::model, "v2").find("hf download org/name --revision v2 ("),
            std::string::npos);
  EXPECT_NE(error_of("org/name").find((folder_ / "hub").string()), std::string::npos);
}

TEST_F(HubCache, TreatsAHalfCacheAsAbsent) {
  folder_.write("hub/models--org--name/refs/main", commit);
  EXPECT_NE(error_of("org/name").find("hf download"), std::string::npos) << "no snapshot";
  folder_.write("hub/models--org--name/refs/main", "../../../../etc");
  EXPECT_NE(error_of("org/name").find("hf download"), std::string::npos)
      << "reference out of the cache";
  add("models--org--name", "main", commit);
  EXPECT_NE(error_of("org/name", HubKind::model, "dev").find("at revision dev"), std::string::npos);
}

TEST_F(HubCache, TellsAPathThatDoesNotExistFromAHubName) {
  for (const std::string path :
       {"/no/such/folder", "./models/x", "../x", "models/x/", "a/b/c", "~/nothing", ""}) {
    EXPECT_NE(error_of(path).find("does not exist"), std::string::npos)
        << path << ": " << error_of(path);
  }
  folder_.write("model.bin", "x");
  EXPECT_NE(error_of((folder_ / "model.bin").string()).find("a file, not a folder"),
            std::string::npos);
}

TEST_F(HubCache, RefusesNamesAndRevisionsThatAreNone) {
  for (const std::string name : {"org/na me", "org/..", "a..b/c", "org--x/name", "org/-name",
                                 "org/name;rm", "org/na\nme", "-x"}) {
    const std::string message = error_of(name);
    EXPECT_EQ(message.find("hf download"), std::string::npos) << message;
    EXPECT_NE(message.find("hub name"), std::string::npos) << message;
  }
  for (const std::string revision : {"", "../x", "/x", "a b", "-x", "a//b", "x/"}) {
    const std::string message = error_of("org/name", HubKind::model, revision);
    EXPECT_NE(message.find("not a branch, tag or commit"), std::string::npos)
        << revision << ": " << message;
  }
}

}  // namespace
}  // namespace engine
