#include "workspace/held_list.h"

#include <sys/stat.h>

#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

constexpr const char* kHeldFile = "held";
constexpr std::string_view kHeldKind = "sandbox-run held 1";

}  // namespace

void put_held(RecordWriter& writer, const std::vector<HeldChange>& held) {
  writer.number(held.size());
  for (const HeldChange& entry : held) {
    writer.text(entry.target);
    writer.text(entry.change.path);
    writer.number(static_cast<std::uint64_t>(entry.change.kind));
    writer.number(static_cast<unsigned char>(entry.change.type));
    writer.number(entry.change.mode);
    writer.number(entry.change.size);
    writer.number(static_cast<std::uint64_t>(entry.verdict));
    writer.text(entry.reason);
  }
}

std::vector<HeldChange> take_held(RecordReader& reader) {
  std::vector<HeldChange> held;
  const std::uint64_t count = reader.number();
  for (std::uint64_t i = 0; i < count; ++i) {
    HeldChange entry;
    entry.target = reader.text();
    entry.change.path = reader.text();
    entry.change.kind = reader.one_of(ChangeKind::replaced);
    entry.change.type = static_cast<char>(reader.number());
    entry.change.mode = static_cast<std::uint32_t>(reader.number());
    entry.change.size = reader.number();
    entry.verdict = reader.one_of(policy::Verdict::own);
    entry.reason = reader.text();
    held.push_back(std::move(entry));
  }
  return held;
}

void write_held(int run_fd, const std::vector<HeldChange>& held) {
  RecordWriter writer(kHeldKind);
  put_held(writer, held);
  write_durably(run_fd, kHeldFile, writer.finish());
}

bool has_held(int run_fd) {
  struct stat status {};
  return stat_entry(run_fd, kHeldFile, status);
}

std::vector<HeldChange> load_held(int run_fd) {
  const std::string bytes = read_if_present(run_fd, kHeldFile);
  if (bytes.empty()) return {};
  RecordReader reader(bytes, kHeldKind);
  return take_held(reader);
}

HeldChange make_held(const std::string& target, const Change& change, policy::Verdict verdict,
                     std::string reason) {
  HeldChange held{target, change, verdict, std::move(reason)};
  if (held.change.path.empty()) held.change.path = ".";
  return held;
}

bool covers_subtree(const Change& change) {
  return change.type == 'd' &&
         (change.kind == ChangeKind::added || change.kind == ChangeKind::replaced);
}

}  // namespace sandbox_run::workspace
