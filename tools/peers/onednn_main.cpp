// sparkle-peer-onednn. For `sparklec bench --peer onednn`.
#include "tools/peers/onednn_peer.h"
#include "tools/peers/peer_server.h"

int main() { return sparkle::bench::serve(sparkle::bench::make_onednn_peer); }
