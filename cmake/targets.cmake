# What most files include is parsed once, not in every file. Only the presets that are built most use it (see
# CMakePresets.json): the others find the include that a file forgot.
add_library(melder_precompiled OBJECT ${CMAKE_CURRENT_LIST_DIR}/precompiled.cpp)
target_link_libraries(melder_precompiled PRIVATE melder_flags melder_warnings melder_proto Boost::headers)
target_precompile_headers(melder_precompiled PRIVATE [["cmake/precompiled.hpp"]])
# Without its time in it, the same header makes the same file, and the compiler cache finds what depends on it.
target_compile_options(melder_precompiled PRIVATE "SHELL:-Xclang -fno-pch-timestamp")

# melder_library(NAME SOURCES … LINK … PRIVATE_LINK …): one folder, one static library.
function(melder_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC melder_flags ${ARG_LINK} PRIVATE melder_warnings ${ARG_PRIVATE_LINK})
  target_precompile_headers(${name} REUSE_FROM melder_precompiled)
endfunction()

# melder_app(NAME SOURCES … LINK …)
function(melder_app name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE melder_flags melder_warnings ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM melder_precompiled)
endfunction()

# melder_test(NAME SOURCES … LINK …): one GoogleTest executable, one ctest entry per test case's suite file.
function(melder_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE melder_flags melder_warnings GTest::gtest GTest::gmock GTest::gtest_main ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM melder_precompiled)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
endfunction()
