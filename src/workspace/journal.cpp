#include "workspace/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys_error.h"
#include "workspace/held_list.h"
#include "workspace/record.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

constexpr std::string_view kJournalKind = "sandbox-run journal 1";

void put_place(RecordWriter& writer, const Place& place) {
  writer.number(place.root);
  writer.text(place.path);
}

Place take_place(RecordReader& reader, std::size_t roots) {
  Place place;
  if (roots == 0) throw UnreadableRecord();
  place.root = static_cast<std::uint32_t>(reader.number_up_to(roots - 1));
  place.path = reader.text();
  return place;
}

void put_operation(RecordWriter& writer, const Operation& operation) {
  writer.number(static_cast<std::uint64_t>(operation.kind));
  put_place(writer, operation.from);
  put_place(writer, operation.to);
  writer.number(operation.inode);
  writer.number(operation.other_inode);
  writer.number(static_cast<std::uint64_t>(operation.other_mtime));
  writer.number(operation.old_mode);
  writer.number(operation.new_mode);
  writer.number(operation.was_opaque ? 1 : 0);
}

Operation take_operation(RecordReader& reader, std::size_t roots) {
  Operation operation;
  operation.kind = reader.one_of(OperationKind::clear_marks);
  operation.from = take_place(reader, roots);
  operation.to = take_place(reader, roots);
  operation.inode = reader.number();
  operation.other_inode = reader.number();
  operation.other_mtime = static_cast<std::int64_t>(reader.number());
  operation.old_mode = static_cast<std::uint32_t>(reader.number());
  operation.new_mode = static_cast<std::uint32_t>(reader.number());
  operation.was_opaque = reader.number() != 0;
  return operation;
}

}  // namespace

void write_journal(int run_fd, const Journal& journal) {
  RecordWriter writer(kJournalKind);
  writer.number(journal.roots.size());
  for (const Root& root : journal.roots) {
    writer.text(root.path);
    writer.number(root.inode);
  }
  writer.number(journal.targets.size());
  for (const std::string& target : journal.targets) writer.text(target);
  writer.number(journal.operations.size());
  for (const Operation& operation : journal.operations) put_operation(writer, operation);
  put_held(writer, journal.held_when_done);
  put_held(writer, journal.held_when_undone);
  write_durably(run_fd, kJournal, writer.finish());
}

Journal read_journal(int run_fd, const char* name) {
  RecordReader reader(read_if_present(run_fd, name), kJournalKind);
  Journal journal;
  for (std::uint64_t count = reader.number(); count > 0; --count) {
    Root root;
    root.path = reader.text();
    root.inode = reader.number();
    journal.roots.push_back(std::move(root));
  }
  for (std::uint64_t count = reader.number(); count > 0; --count) {
    journal.targets.push_back(reader.text());
  }
  for (std::uint64_t count = reader.number(); count > 0; --count) {
    journal.operations.push_back(take_operation(reader, journal.roots.size()));
  }
  journal.held_when_done = take_held(reader);
  journal.held_when_undone = take_held(reader);
  return journal;
}

bool has_journal(int run_fd) {
  struct stat status {};
  return stat_entry(run_fd, kJournal, status);
}

void remove_journal(int run_fd) {
  base::check_sys(::unlinkat(run_fd, kJournal, 0), "closing the journal");
  // It is over. Should the journal be back after a power loss, recovery finds all of it done.
  (void)::fsync(run_fd);
}

}  // namespace sandbox_run::workspace
