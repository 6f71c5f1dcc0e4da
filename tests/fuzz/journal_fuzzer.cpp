// libFuzzer: any bytes as what a run's directory holds (the journal of a commit, what is held, the
// layers), with a digest that is right: whoever forges a record can compute that. The first byte
// says which. What is read and written again reads the same.
#include <fcntl.h>
#include <sys/stat.h>

#include <array>

#include "../unit/scratch_directory.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/sys_error.h"
#include "fuzz.h"
#include "workspace/held_list.h"
#include "workspace/journal.h"
#include "workspace/layer_record.h"
#include "workspace/record.h"
#include "workspace/seal.h"

namespace {

using namespace sandbox_run;
using fuzz::require;

struct Run {
  Run()
      : path(scratch.make("state/runs/run-1")),
        fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  test::ScratchDirectory scratch;
  std::string path;
  base::UniqueFd fd;
};

std::string record(std::string_view kind, std::string_view bytes) {
  const std::string head = workspace::RecordWriter(kind).finish();
  constexpr std::size_t kDigest = 64;
  std::string text = head.substr(0, head.size() - kDigest);
  text += bytes;
  return text + base::sha256_hex(text);
}

void check_journal(const Run& run) {
  const workspace::Journal journal = workspace::read_journal(run.fd.get());
  for (const workspace::Operation& operation : journal.operations) {
    require(operation.from.root < journal.roots.size());
    require(operation.to.root < journal.roots.size());
    require(operation.kind <= workspace::OperationKind::clear_marks);
  }
  workspace::write_journal(run.fd.get(), journal);
  const std::string once = base::read_file(run.path + "/journal");
  workspace::write_journal(run.fd.get(), workspace::read_journal(run.fd.get()));
  require(base::read_file(run.path + "/journal") == once);
}

void check_held(const Run& run) {
  for (const workspace::HeldChange& held : workspace::load_held(run.fd.get())) {
    require(held.change.kind <= workspace::ChangeKind::replaced);
    require(held.verdict <= policy::Verdict::own);
  }
}

void check_layers(const Run& run) {
  for (const workspace::LayerRecord& layer : workspace::load_layers(run.fd.get())) {
    require(layer.directory.target.kind <= policy::TargetKind::global_programs);
  }
}

struct Kind {
  const char* file;
  std::string_view kind;
  void (*check)(const Run&);
};

constexpr std::array kKinds{
    Kind{"journal", "sandbox-run journal 1", check_journal},
    Kind{"held", "sandbox-run held 1", check_held},
    Kind{"layers.list", "sandbox-run layers 3", check_layers},
    Kind{"touched", "sandbox-run touched 1",
         [](const Run& run) { (void)workspace::load_touched(run.fd.get()); }},
};

}  // namespace

FUZZ_TARGET(journal, data, size) {
  static const Run run;
  if (size == 0) return 0;
  const Kind& kind = kKinds[data[0] % kKinds.size()];
  const std::string bytes = record(kind.kind, fuzz::text_of(data + 1, size - 1));
  workspace::seal_run(run.fd.get(), bytes, "/home/u/app");
  base::write_file(run.path + "/" + kind.file, bytes, 0600);
  try {
    kind.check(run);
  } catch (const base::SysError& error) {
    require(error.error_number() == EBADMSG);
  }
  (void)::unlinkat(run.fd.get(), kind.file, 0);
  return 0;
}
