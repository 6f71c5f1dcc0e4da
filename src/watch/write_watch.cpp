#include "watch/write_watch.h"

#include <asm/unistd.h>
#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/path.h"
#include "events/event.h"
#include "watch/behaviour.h"
#include "watch/process_description.h"
#include "watch/process_files.h"
#include "watch/process_root.h"
#include "watch/remote_memory.h"
#include "watch/write_place.h"

namespace sandbox_run::watch {
namespace {

using events::Actor;

// Of one package: one that writes everywhere must not hide what another one writes.
constexpr std::size_t kMaxPlaces = BehaviourRecorder::kMaxActs + 1;
constexpr std::size_t kMaxDirectories = 64;
constexpr const char* kUnclearPlace = "(a place that could not be told)";
constexpr int kNone = -1;

/// What must be there, or the call fails and writes nothing (mkdir -p tries all directories above).
enum class Wants { nothing, entry, either };

/// A path among the arguments of a call that writes: which argument it is, and which the directory
/// descriptor.
struct PathArgument {
  int call;
  int directory;  // kNone: the working directory
  int path;
  LastLink last;
  Wants wants;
};

constexpr PathArgument kPaths[] = {
#if defined(__x86_64__)
    {__NR_open, kNone, 0, LastLink::followed, Wants::either},
    {__NR_creat, kNone, 0, LastLink::followed, Wants::either},
    {__NR_mkdir, kNone, 0, LastLink::itself, Wants::nothing},
    {__NR_mknod, kNone, 0, LastLink::itself, Wants::nothing},
    {__NR_rename, kNone, 0, LastLink::itself, Wants::entry},
    {__NR_rename, kNone, 1, LastLink::itself, Wants::either},
    {__NR_link, kNone, 1, LastLink::itself, Wants::nothing},
    {__NR_symlink, kNone, 1, LastLink::itself, Wants::nothing},
    {__NR_unlink, kNone, 0, LastLink::itself, Wants::entry},
    {__NR_rmdir, kNone, 0, LastLink::itself, Wants::entry},
#endif
#if defined(__NR_renameat)
    {__NR_renameat, 0, 1, LastLink::itself, Wants::entry},
    {__NR_renameat, 2, 3, LastLink::itself, Wants::either},
#endif
    {__NR_truncate, kNone, 0, LastLink::followed, Wants::entry},
    {__NR_openat, 0, 1, LastLink::followed, Wants::either},
    {__NR_openat2, 0, 1, LastLink::followed, Wants::either},
    {__NR_mkdirat, 0, 1, LastLink::itself, Wants::nothing},
    {__NR_mknodat, 0, 1, LastLink::itself, Wants::nothing},
    {__NR_renameat2, 0, 1, LastLink::itself, Wants::entry},
    {__NR_renameat2, 2, 3, LastLink::itself, Wants::either},
    {__NR_linkat, 2, 3, LastLink::itself, Wants::nothing},
    {__NR_symlinkat, 1, 2, LastLink::itself, Wants::nothing},
    {__NR_unlinkat, 0, 1, LastLink::itself, Wants::entry},
};

/// Scripts and builds alone have an own directory.
bool has_directory(const Actor& actor) {
  return actor.kind == Actor::Kind::script || actor.kind == Actor::Kind::build;
}

bool is_in_vain(const Look& look, Wants wants) {
  return (wants == Wants::nothing && look.result == Look::Result::found) ||
         (wants == Wants::entry && look.result == Look::Result::missing);
}

std::string key_of(const Actor& actor) { return actor.package + '\0' + actor.version; }

/// openat2(2) has its flags where no filter sees them.
bool opens_to_write(RemoteMemory& memory, const seccomp_data& call) {
  if (call.nr != __NR_openat2) return true;
  bool complete = true;
  const auto first = memory.read_pointers(call.args[2], 1, complete);  // open_how.flags, if not 0
  return !first.empty() && (first[0] & (O_ACCMODE | O_CREAT | O_TRUNC)) != 0;
}

/// The descriptor that a path in a proc file system names: "self/fd/2", as /dev/stderr does.
std::optional<int> own_descriptor(std::string_view in_proc) {
  constexpr std::string_view kDescriptors = "self/fd/";
  if (!in_proc.starts_with(kDescriptors)) return std::nullopt;
  in_proc.remove_prefix(kDescriptors.size());
  int fd = 0;
  const auto [end, error] = std::from_chars(in_proc.begin(), in_proc.end(), fd);
  return error == std::errc() && end == in_proc.end() ? std::optional(fd) : std::nullopt;
}

/// Opens again what is open for writing, and was looked at then, or is the command's own output.
bool is_open_already(int thread, const Look& look) {
  const auto fd = own_descriptor(look.in_proc);
  // "self" is the process: a thread may have descriptors of its own (clone without CLONE_FILES).
  const auto flags = fd ? descriptor_flags(process_of_thread(thread), *fd) : std::nullopt;
  return flags && (*flags & O_ACCMODE) != O_RDONLY;
}

}  // namespace

bool is_write_call(int number) {
  return std::any_of(std::begin(kPaths), std::end(kPaths),
                     [&](const PathArgument& path) { return path.call == number; });
}

void WriteWatch::own(const Actor& actor, const std::string& directory) {
  if (directory.empty() || directory == "/") return;
  Known* const package = known(actor);
  if (package != nullptr && package->directories.size() < kMaxDirectories) {
    package->directories.insert(directory);
  }
}

/// nullptr: of more packages than are kept; the recorder keeps nothing of them either.
WriteWatch::Known* WriteWatch::known(const Actor& actor) {
  const std::string key = key_of(actor);
  if (packages_.size() >= BehaviourRecorder::kMaxDoers && !packages_.contains(key)) return nullptr;
  return &packages_[key];
}

WriteWatch::Writer WriteWatch::writer(const std::optional<ProcessStatus>& status) {
  if (!status) return {};
  if (auto actor = processes_.by_descent(*status)) return {std::move(*actor), true};
  return {processes_.actor_of(*status), false};
}

void WriteWatch::look(const seccomp_notif& notification) {
  const auto ask = [this](const auto& status) { return writer(status); };
  const auto* doer = known_.find_or_learn(notification, channel_, ask);
  if (doer == nullptr || !has_directory(doer->value.actor)) return;
  const int thread = static_cast<int>(notification.pid);
  const seccomp_data& call = notification.data;
  RemoteMemory memory(thread);
  if (!opens_to_write(memory, call)) return;
  for (const PathArgument& argument : kPaths) {
    if (argument.call != call.nr) continue;
    const auto path = memory.read_string(call.args[argument.path], PATH_MAX);
    const int directory =
        argument.directory == kNone ? AT_FDCWD : static_cast<int>(call.args[argument.directory]);
    if (!path) continue;
    const Look look = ProcessRoot(thread, directory).look_up(*path, argument.last);
    const bool unclear =
        look.result == Look::Result::unclear && !path->empty() && !is_open_already(thread, look);
    if (!channel_.is_valid(notification.id)) return;
    if (unclear) {
      tell(doer->value, *path, kUnclearPlace, thread);
    } else if (!look.real_path.empty() && !is_in_vain(look, argument.wants)) {
      record(doer->value, look.real_path, thread);
    }
  }
}

void WriteWatch::record(const Writer& writer, const std::string& path, int thread) {
  const Known* const package = known(writer.actor);
  if (package == nullptr) return;
  const auto& own = package->directories;
  if (std::any_of(own.begin(), own.end(), [&](const std::string& directory) {
        return base::is_beneath(path, directory);
      })) {
    return;
  }
  const std::string place = write_place(path, project_, home_);
  if (!place.empty()) tell(writer, path, place, thread);
}

void WriteWatch::tell(const Writer& writer, const std::string& path, const std::string& place,
                      int thread) {
  Known* const package = known(writer.actor);
  const std::string key = writer.is_certain ? place : place + '\0';
  if (package == nullptr || package->places.size() >= kMaxPlaces ||
      !package->places.insert(key).second) {
    return;
  }
  events::Event event{"file.written"};
  event.actor = writer.actor;
  event.process = describe_process(process_of_thread(thread));
  event.details = {{"path", path}, {"place", place}};
  if (!writer.is_certain) event.details["inferred"] = true;
  sink_.record(event);
}

}  // namespace sandbox_run::watch
