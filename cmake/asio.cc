// Boost.Asio's and its TLS layer's definitions, compiled once.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
