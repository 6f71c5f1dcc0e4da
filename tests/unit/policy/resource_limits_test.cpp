#include "policy/resource_limits.h"

#include <doctest/doctest.h>

namespace sandbox_run::policy {
namespace {

constexpr std::uint64_t kGibi = 1U << 30;

/// A machine at rest.
Resources at_rest() {
  Resources resources;
  resources.processes = 10;
  resources.memory = kGibi;
  resources.machine_memory = 16 * kGibi;
  resources.free_memory = resources.free_memory_before = 8 * kGibi;
  resources.disk = 100 * kGibi;
  resources.free_disk = resources.free_disk_before = 50 * kGibi;
  resources.files = 1'000'000;
  resources.free_files = resources.free_files_before = 900'000;
  return resources;
}

TEST_CASE("what an install needs passes no limit") { CHECK(passed({}, at_rest()) == Limit::none); }

TEST_CASE("each limit is passed by one more than its bound") {
  Resources resources = at_rest();
  resources.processes = 4096;
  CHECK(passed({}, resources) == Limit::none);
  resources.processes = 4097;
  CHECK(passed({}, resources) == Limit::processes);
  resources = at_rest();
  resources.open_files = 262'145;
  CHECK(passed({}, resources) == Limit::open_files);
  resources = at_rest();
  resources.memory = 12 * kGibi + 1;
  CHECK(passed({}, resources) == Limit::memory);
  resources = at_rest();
  resources.free_disk = 5 * kGibi - 1;
  CHECK(passed({}, resources) == Limit::disk);
  CHECK(bound_of(Limit::disk, {}, resources) == 5 * kGibi);
  resources = at_rest();
  resources.free_files = 49'999;
  CHECK(passed({}, resources) == Limit::files);
  resources = at_rest();
  resources.largest_file = 32 * kGibi - 1;
  resources.changes = 64 * kGibi;
  resources.changed_files = 4'000'000;
  CHECK(passed({}, resources) == Limit::none);
  ++resources.changed_files;
  CHECK(passed({}, resources) == Limit::changed_files);
  ++resources.changes;
  CHECK(passed({}, resources) == Limit::changes);
  ++resources.largest_file;  // the kernel lets no file be larger
  CHECK(passed({}, resources) == Limit::file);
  CHECK(bound_of(Limit::file, {}, resources) == 32 * kGibi);
}

TEST_CASE("a disk that was nearly full before may be filled to half of what was free") {
  Resources resources = at_rest();
  resources.free_disk_before = kGibi;
  resources.free_disk = kGibi / 2;
  CHECK(passed({}, resources) == Limit::none);
  --resources.free_disk;
  CHECK(passed({}, resources) == Limit::disk);
}

TEST_CASE("memory that was short before may be used to half of what was free") {
  Resources resources = at_rest();
  resources.free_memory = kGibi / 2;
  CHECK(passed({}, resources) == Limit::none);
  --resources.free_memory;
  CHECK(passed({}, resources) == Limit::free_memory);
  CHECK(bound_of(Limit::free_memory, {}, resources) == kGibi / 2);
  resources.free_memory_before = kGibi / 2;
  CHECK(passed({}, resources) == Limit::none);
  resources.free_memory = 0;  // it can't be told
  CHECK(passed({}, resources) == Limit::none);
}

TEST_CASE("a file system that counts no files has no limit of them") {
  Resources resources = at_rest();
  resources.files = resources.free_files = resources.free_files_before = 0;
  CHECK(passed({}, resources) == Limit::none);
}

TEST_CASE("where nothing is kept, no disk is short") {
  Resources resources = at_rest();
  resources.disk = resources.free_disk = resources.free_disk_before = 0;
  Limits limits;
  limits.free_disk_mb = 1024;
  CHECK(passed(limits, resources) == Limit::none);
}

TEST_CASE("threads are counted, and what the kernel has refused or ended is a limit, too") {
  Resources resources = at_rest();
  resources.threads = 4 * 4096 + 1;
  CHECK(passed({}, resources) == Limit::threads);
  CHECK(bound_of(Limit::threads, {}, resources) == 4 * 4096);
  resources = at_rest();
  resources.is_short_of_threads = true;
  CHECK(passed({}, resources) == Limit::threads);
  resources = at_rest();
  resources.is_short_of_memory = true;
  CHECK(passed({}, resources) == Limit::memory);
}

TEST_CASE("a control group has the same bounds; swap is memory, too, and some is left") {
  Resources machine;
  machine.machine_memory = 16 * kGibi;
  machine.machine_swap = 4 * kGibi;
  GroupLimits group = group_limits({}, machine);
  CHECK(group.memory == 12 * kGibi);
  CHECK(group.swap == 3 * kGibi);
  CHECK(group.threads == 4 * 4096 + 2);
  machine.memory = 15 * kGibi;
  CHECK(passed({}, machine) == Limit::none);
  machine.memory = 15 * kGibi + 1;
  CHECK(passed({}, machine) == Limit::memory);
  Limits limits;
  limits.memory_mb = 1024;
  limits.processes = 10;
  limits.cpu_weight = 7;
  group = group_limits(limits, machine);
  CHECK(group.memory == kGibi);
  CHECK(group.swap == kGibi);
  CHECK(group.threads == 42);
  CHECK(group.cpu_weight == 7);
}

TEST_CASE("what the user says counts") {
  Resources resources = at_rest();
  Limits limits;
  limits.processes = 9;
  CHECK(passed(limits, resources) == Limit::processes);
  limits = {};
  limits.memory_mb = 1023;
  CHECK(passed(limits, resources) == Limit::memory);
  limits = {};
  limits.free_files = 900'001;
  CHECK(passed(limits, resources) == Limit::files);
}

}  // namespace
}  // namespace sandbox_run::policy
