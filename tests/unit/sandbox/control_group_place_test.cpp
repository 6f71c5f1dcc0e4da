#include "sandbox/control_group_place.h"

#include <doctest/doctest.h>

namespace sandbox_run::sandbox {
namespace {

constexpr const char* kUnified =
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kBoth =
    "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

TEST_CASE("a group is found where its hierarchy is mounted") {
  const auto place = control_group_place("0::/user.slice/a.scope\n", kUnified, "");
  CHECK(place.mount == "/sys/fs/cgroup");
  CHECK(place.path == "/sys/fs/cgroup/user.slice/a.scope");
  CHECK(from_inner_to_outer(place) == std::vector<std::string>{"/sys/fs/cgroup/user.slice/a.scope",
                                                               "/sys/fs/cgroup/user.slice",
                                                               "/sys/fs/cgroup"});
}

TEST_CASE("each controller of version 1 has a place of its own") {
  const char* groups = "4:cpu,cpuacct:/x\n3:memory:/docker/1\n0::/\n";
  CHECK(control_group_place(groups, kBoth, "memory").path == "/sys/fs/cgroup/memory/docker/1");
  CHECK(control_group_place(groups, kBoth, "").path == "/sys/fs/cgroup/unified");
  CHECK(control_group_place(groups, kBoth, "cpu").path.empty());
}

TEST_CASE("of a hierarchy whose part is mounted, the path begins there") {
  const char* part = "30 23 0:26 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
  CHECK(control_group_place("0::/docker/1/leaf\n", part, "").path == "/sys/fs/cgroup/leaf");
  CHECK(control_group_place("0::/docker/2\n", part, "").path.empty());
}

TEST_CASE("who is outside what is mounted has no place") {
  CHECK(control_group_place("0::/../other\n", kUnified, "").path.empty());
  CHECK(control_group_place("", kUnified, "").path.empty());
  CHECK(control_group_place("0::/\n", "", "").path.empty());
  CHECK(from_inner_to_outer({}).empty());
}

}  // namespace
}  // namespace sandbox_run::sandbox
