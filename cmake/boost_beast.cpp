// The one place where Boost.Beast's separately compiled parts are instantiated.
#include <boost/beast/src.hpp>
