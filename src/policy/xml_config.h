#pragma once

#include <string>
#include <string_view>

#include "policy/policy.h"

namespace sandbox_run::policy {

/// An XML file without comments and without the elements whose name, or whose attribute `key`,
/// matches HomeFile::drop_keys, with all that they hold. Of what is no plain XML (a document type
/// or entities of its own, CDATA, tags that do not match) the start of the document alone: its root
/// element, empty.
std::string kept_xml(const HomeFile& file, std::string_view text);

}  // namespace sandbox_run::policy
