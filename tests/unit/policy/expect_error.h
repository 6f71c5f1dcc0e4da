#pragma once

#include <doctest/doctest.h>

#include <string>

#include "base/sys_error.h"

/// The words of the UserError that `act` throws; fails the test if it throws none.
template <typename Act>
std::string error_of(Act act) {
  try {
    act();
  } catch (const sandbox_run::base::UserError& error) {
    return error.what();
  }
  FAIL_CHECK("no UserError was thrown");
  return {};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
