// sparkle-peer-openblas. For `sparklec bench --peer openblas`.
#include "tools/peers/openblas_peer.h"
#include "tools/peers/peer_server.h"

int main() { return sparkle::bench::serve(sparkle::bench::make_openblas_peer); }
