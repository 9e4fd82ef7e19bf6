# Language, warnings and the flags of each preset. Our code is built with warnings as errors; dependencies are SYSTEM.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(MELDER_CCACHE ccache)
if(MELDER_CCACHE)
  # Without this the cache would not serve files that use the precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER /usr/bin/env CCACHE_SLOPPINESS=pch_defines,time_macros ${MELDER_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${MELDER_CCACHE})
endif()

add_library(melder_flags INTERFACE)
target_include_directories(melder_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_definitions(melder_flags INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION
                                                  BOOST_BEAST_SEPARATE_COMPILATION)
# In executables too, where CMake would say -fPIE: the precompiled header fits only one of the two.
target_compile_options(melder_flags INTERFACE -fPIC)
# All symbols are bound at start: the lazy resolver saves the vector registers, and with them what a copy of a secret left
# there, on the stack, where nobody wipes it.
target_link_options(melder_flags INTERFACE -fuse-ld=lld -Wl,-z,relro,-z,now)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # The linker of the compiler's own version, whatever else stands on PATH.
  find_program(MELDER_LLD NAMES ld.lld-19 REQUIRED)
  target_link_options(melder_flags INTERFACE --ld-path=${MELDER_LLD})
endif()
if(MELDER_SANITIZE)
  target_compile_options(melder_flags INTERFACE -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined
                                                -fno-omit-frame-pointer)
  target_link_options(melder_flags INTERFACE -fsanitize=address,undefined)
elseif(MELDER_TSAN)
  target_compile_options(melder_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(melder_flags INTERFACE -fsanitize=thread)
else()
  target_compile_options(melder_flags INTERFACE -fstack-protector-strong -fstack-clash-protection)
  target_compile_definitions(melder_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()

add_library(melder_warnings INTERFACE)
target_compile_options(melder_warnings INTERFACE -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor
                                                 -Wold-style-cast -Wimplicit-fallthrough -Wunused)
