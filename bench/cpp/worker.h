// A program under test: commands come in on stdin, one a line; each is answered by one line of JSON on stdout. The
// client is bench/systems/protocol.py.
//
//   open | close | finish | quit
//   ingest BATCH SYNC LIMIT                  events appended in batches of BATCH, up to LIMIT (0: all)
//   rows USERS_FILE BEFORE_FILE BEGIN QUERIES ROWS N TYPES COLUMNS CHECK
//                                            last-n reads, QUERIES of them of ROWS rows each; "-" for what is absent
//   join USERS_FILE BEFORE_FILE BEGIN QUERIES ROWS N TYPES COLUMNS CHECK
//   scan COLUMNS CHECK
//   concurrent USERS_FILE BEGIN QUERIES N COLUMNS RATE SECONDS
//                                            single reads, alone for SECONDS and then beside a writer of RATE events/s
//
// A query's time covers the system's work until its arrays are complete; what the program does besides, such as
// reading the workload or adding up a checksum, is not in it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "system.h"

namespace bench {

// argv: WORKLOAD_DIRECTORY STORE_DIRECTORY COLUMNS [LAYOUT]
using MakeSystem = std::function<std::unique_ptr<System>(const Workload& workload, const std::string& store,
                                                         const std::string& layout)>;
int serve(int argc, char** argv, const MakeSystem& make);

}  // namespace bench
