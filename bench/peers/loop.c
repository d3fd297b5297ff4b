/* The same as straight.js, on libzmq itself: `loop PORT`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

typedef struct {
  char id[256];
  int length;
} Member;

int main(int count, char **words) {
  static char from[256], bytes[65536], endpoint[64];
  static Member members[20000];
  int known = 0, unlimited = 0;
  void *socket = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER);
  zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
  zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
  snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%s", count > 1 ? words[1] : "0");
  if (zmq_bind(socket, endpoint) != 0) return 1;
  for (;;) {
    int length = zmq_recv(socket, from, sizeof from, 0), size = zmq_recv(socket, bytes, sizeof bytes, 0);
    if (size < 60 && strstr(bytes, "\"auth\"") && known < 20000) {
      memcpy(members[known].id, from, length);
      members[known++].length = length;
      continue;
    }
    for (int i = 0; i < known; i++)
      if (members[i].length != length || memcmp(members[i].id, from, length) != 0) {
        zmq_send(socket, members[i].id, members[i].length, ZMQ_SNDMORE);
        zmq_send(socket, bytes, size, 0);
      }
  }
}
