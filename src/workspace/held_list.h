#pragma once

#include <string>
#include <vector>

#include "workspace/record.h"
#include "workspace/workspace.h"

namespace sandbox_run::workspace {

void put_held(RecordWriter& writer, const std::vector<HeldChange>& held);
std::vector<HeldChange> take_held(RecordReader& reader);

/// `<run directory>/held`. Throw SysError.
void write_held(int run_fd, const std::vector<HeldChange>& held);
bool has_held(int run_fd);
std::vector<HeldChange> load_held(int run_fd);

/// A node's change, as it is shown: the target itself is ".".
HeldChange make_held(const std::string& target, const Change& change, policy::Verdict verdict,
                     std::string reason);

}  // namespace sandbox_run::workspace
