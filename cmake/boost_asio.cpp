// The one place where Boost.Asio's separately compiled parts are instantiated.
#include <boost/asio/impl/src.hpp>
