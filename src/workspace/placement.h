#pragma once

#include <string>

namespace sandbox_run::workspace {

/// How a target's changes get from the layer to the host.
enum class CommitWay {
  rename,  // the layer lies on the target's own file system
  copy     // it does not: copied to a staging directory beside the target first, then renamed
};

/// What a run with this state directory would do. Looks, and makes nothing. Throws SysError.
CommitWay commit_way(const std::string& state_directory, const std::string& target);

/// The directory for a run's layers: `<run directory>/layers`, or, where that file system can't be
/// an overlay's upper layer (overlayfs in a container, a home on NFS), a new one in /var/tmp, /tmp
/// or /dev/shm. Throws UserError if none of them fits.
std::string place_for_layers(const std::string& run_directory, int run_fd);

/// Removes the layers of the caller's own run, whose command was not started, or of which nothing
/// is known. Throws SysError.
void discard_layers(const std::string& run_directory);

/// Removes such a directory if it is not the run's own and is empty.
void remove_place(const std::string& place);

}  // namespace sandbox_run::workspace
