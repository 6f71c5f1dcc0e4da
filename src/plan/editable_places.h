#pragma once

#include "plan/host_facts.h"

namespace sandbox_run::plan {

/// What Python would import from beside the project: directories from which something was installed
/// editable into an environment in use (the project's .venv, $VIRTUAL_ENV, the one whose program is
/// typed), by its direct_url.json (PEP 610). To facts.linked: read-only, as what a manifest names.
void show_editables(const WorkPlaces& places, HostFacts& facts);

}  // namespace sandbox_run::plan
