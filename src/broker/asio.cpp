// Boost.Asio's own sources, compiled once for the folder.
#include "broker/asio.h"

#include <boost/asio/impl/src.hpp>
