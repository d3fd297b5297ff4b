/*
 * Many members of one room in one thread: what a server has to do for them is measured while everything that comes is checked.
 * They speak ZMTP 3.0 (NULL), IRC, NATS or WebSocket by hand over epoll, so that they cost little, and the server is what limits.
 *
 *   cc -O2 -o load load.c -lm        bench/load.ts starts it, signs for it, and says what the options mean
 *   load KIND PORT key=value …       KIND: room original irc nats ws
 *
 * It prints `prove I CHALLENGE` for a member that has to prove its key, and reads `I SESSIONKEY JOIN` as the answer; then
 * `restart`, if that is the task, and reads the number of the new process; at the end one JSON object. Exit code 2: what came was
 * not what was said, each message once, in one order, at everybody; or the chain of the log is wrong.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "sha256.h"

enum Kind { Room, Original, Irc, Nats, Ws };
enum Task { Saturate, Rate, Idle, Replay, Restart };
enum State { Down, Greeting, Ready, Joining, Open };

typedef struct {
  char *at;
  int length;
} Text;

typedef struct {
  int fd, room;
  char *bytes;
} Buffer;

typedef struct {
  int fd, writes;
  enum State state;
  int in, inRoom, out, outRoom;
  char *inBytes, *outBytes;
  char name[32], dev[48], key[48], log[64], hash[32];
  Text join;
  unsigned char sessionKey[32];
  long uploads, cursor, acked, asked, head, heard, said, echoed;
  int isFirst, isAsking;
  long *numbers;
  double retryAt, ackedAt, openedAt, caughtAt;
  Text *words;
} Member;

static const struct {
  int ackEach, block;
} flow = {512, 256};
/* `^0001.00000012` */
static const int head = 14;
static const long maxSeq = 10000000;
static const int maxUpload = 48000, maxTogether = 256, maxUnderWay = 256;

static enum Kind kind;
static enum Task task;
static int port, members = 100, senders = 10, underWay = 200, textBytes = 80, settleMs = 800, withSignatures, nonAscii, history, atOnce = 64;
static long messages = 20000, warmUp, perSender;
static double rate = 50, seconds = 10;
static pid_t server;
static Member *all;
static int epoll;

/* What is in the log at each place, and the chain up to there, as the first reader has seen it. */
typedef struct {
  int sender;
  long n;
  char hash[32];
} Seen;
static Seen *seen;
static long seenRoom;
static long *expected;
/* How many have each message, and how many messages everybody has. */
static int *had;
static long complete, total, sent, bytesIn, framesIn, rejoins, cuts, errors;
static int isMeasuring;
static double *saidAt;
static double *tookOwn, *tookOthers;
static long ownCount, othersCount;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}
static void fail(const char *what) {
  fprintf(stderr, "load: %s (%s)\n", what, strerror(errno));
  exit(1);
}
static void wrong(const char *what, long a, long b) {
  if (errors++ < 5) fprintf(stderr, "load: %s %ld %ld\n", what, a, b);
}

/* ---- Bytes out ---- */

static void put(Member *m, const void *bytes, int count) {
  if (m->out + count > m->outRoom) m->outBytes = realloc(m->outBytes, m->outRoom = 2 * (m->out + count));
  memcpy(m->outBytes + m->out, bytes, count);
  m->out += count;
}
static void watchFor(Member *m, int writes) {
  if (m->writes == writes) return;
  struct epoll_event event = {.events = EPOLLIN | (writes ? EPOLLOUT : 0), .data.u32 = m - all};
  epoll_ctl(epoll, EPOLL_CTL_MOD, m->fd, &event);
  m->writes = writes;
}
static void hangUp(Member *m) {
  if (m->fd >= 0) close(m->fd);
  m->fd = -1;
  m->state = Down;
  m->in = m->out = m->writes = 0;
  m->retryAt = now() + 0.2 + 0.3 * ((m - all) * 7919 % 1000) / 1000.0;
  cuts++;
}
static void flush(Member *m) {
  if (m->fd < 0 || m->out == 0) return;
  int done = send(m->fd, m->outBytes, m->out, MSG_NOSIGNAL);
  if (done < 0 && errno != EAGAIN) return hangUp(m);
  if (done > 0) memmove(m->outBytes, m->outBytes + done, m->out -= done);
  watchFor(m, m->out > 0);
}
static void frame(Member *m, const char *bytes, long count) {
  unsigned char head[9] = {count < 256 ? 0 : 2};
  for (int i = 0; i < 8; i++) head[1 + i] = (unsigned long)count >> (count < 256 ? 0 : 8 * (7 - i));
  put(m, head, count < 256 ? 2 : 9);
  put(m, bytes, count);
}

/* ---- Coming in ---- */

static int isUnder(const char *bytes, long count, const char *beginning) {
  long length = strlen(beginning);
  return count >= length && memcmp(bytes, beginning, length) == 0;
}
static const char *find(const char *from, const char *end, const char *what) {
  return memmem(from, end - from, what, strlen(what));
}
/* What stands in quotes behind `what`. */
static void field(char *to, int room, const char *from, const char *end, const char *what) {
  const char *at = find(from, end, what);
  int length = 0;
  if (at)
    for (at += strlen(what); at < end && *at != '"' && length < room - 1; at++) to[length++] = *at;
  to[length] = 0;
}
static long numberAfter(const char *from, const char *end, const char *what, long otherwise) {
  const char *at = find(from, end, what);
  return at ? strtol(at + strlen(what), NULL, 10) : otherwise;
}

static void dial(Member *m) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1;
  m->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (m->fd < 0) fail("no file descriptor is left");
  if (connect(m->fd, (void *)&address, sizeof address) < 0) {
    hangUp(m);
    cuts--;
    return;
  }
  setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(m->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = m - all};
  epoll_ctl(epoll, EPOLL_CTL_ADD, m->fd, &event);
  char text[400];
  if (kind <= Original) {
    char greeting[64] = {(char)0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    put(m, greeting, sizeof greeting);
    m->state = Greeting;
  } else {
    const char *hello[] = {
        [Irc] = "NICK %s\r\nUSER %s 0 * :bench\r\nJOIN #room\r\n",
        [Nats] = "CONNECT {\"verbose\":false,\"echo\":false}\r\nSUB room 1\r\n",
        [Ws] = "GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"};
    put(m, text, snprintf(text, sizeof text, hello[kind], m->name, m->name));
    m->state = kind == Irc ? Joining : Open;
  }
  flush(m);
}
/* The frame that Node has made; who was here before says what it has. */
static void join(Member *m, const char *bytes, int count) {
  char text[2000];
  int length = snprintf(text, sizeof text, "%.*s", count - 1, bytes);
  if (m->log[0]) length += sprintf(text + length, ",\"since\":%ld,\"log\":\"%s\"", m->cursor, m->log);
  else length += sprintf(text + length, ",\"history\":%d", history);
  if (m->log[0] && m->cursor > 0) length += sprintf(text + length, ",\"h\":\"%s\"", m->hash);
  text[length++] = '}';
  frame(m, text, length);
}
static void greeted(Member *m) {
  m->state = Joining;
  if (kind == Room) return join(m, m->join.at, m->join.length);
  char text[100];
  frame(m, text, sprintf(text, "{\"auth\": 1, \"name\": \"%s\"}", m->name));
  m->state = Open;
}
static void welcomed(Member *m, const char *from, const char *end) {
  m->state = Open;
  m->openedAt = m->ackedAt = now();
  field(m->log, sizeof m->log, from, end, "\"log\":\"");
  m->head = numberAfter(from, end, "\"head\":", 0);
  long since = numberAfter(from, end, "\"since\":", 0);
  if (find(from, end, "\"fork\":")) wrong("a fork at member", m - all, since);
  if (m->cursor > 0 && since != m->cursor) wrong("a welcome from another place than", m->cursor, since);
  m->cursor = m->acked = since;
  m->asked = since + 1;
  field(m->hash, sizeof m->hash, from, end, "\"h\":\"");
  if (since >= m->head) m->caughtAt = m->openedAt;
  m->isFirst = 1;
  m->uploads = 0;
}

/* ---- Reading ---- */

static void took(int author, long n, Member *reader, double t) {
  long at = n * senders + author;
  total++;
  if (perSender > 0 && n >= perSender) return wrong("a message that was not said yet, of author", author, n);
  if (isMeasuring && saidAt && saidAt[at] > 0) {
    if (reader == all + author) tookOwn[ownCount++] = t - saidAt[at];
    else tookOthers[othersCount++] = t - saidAt[at];
  }
  // The original's author, and those of other servers, do not get their own words back.
  if (had && ++had[at] == (kind == Room ? members : members - 1)) complete++;
}
/* `^0001.0000012…$`: who has said this, as its what-th message, counted from 0. */
static int authorIn(const char *text, long *n) {
  *n = strtol(text + 6, NULL, 10);
  return atoi(text + 1);
}
/* What stands between the number and the end of a text. */
static char fill[5200];
static int isFilled(const char *text) { return memcmp(text + head, fill, textBytes - head) == 0; }
static Seen *seenAt(long seq) {
  if (seq >= seenRoom) {
    long room = 2 * seq + 1000;
    seen = realloc(seen, room * sizeof *seen);
    memset(seen + seenRoom, 0, (room - seenRoom) * sizeof *seen);
    seenRoom = room;
  }
  return seen + seq;
}

typedef struct {
  long n, lc, at, ts, seen;
  const char *text, *salt;
  int textLength, saltLength;
} Row;
/* The chain up to this place (docs/protocol.md, P25), as the first one that reads it works it out. */
static void chain(Seen *place, const char *before, const Member *author, const Row *row) {
  static char text[20000];
  unsigned char digest[32];
  char words[48];
  int length = sprintf(text, "[\"0mq-chat words\",\"%.*s\",\"%.*s\"]", row->saltLength, row->salt, row->textLength, row->text);
  sha256(text, length, digest);
  base64url(words, digest, 32);
  length = sprintf(text, "[\"0mq-chat entry\",\"%s\",[\"%s.%ld\",%ld,%ld,%ld,0,\"%s\",\"%s\",0,0],\"%s\",0,0,%ld,0]", before,
                   author->dev, row->n, row->lc, row->ts, row->seen, author->name, words, author->key, row->at);
  sha256(text, length, digest);
  base64url(place->hash, digest, 16);
}
static void ack(Member *m, double t) {
  char text[40];
  m->acked = m->cursor;
  m->ackedAt = t;
  frame(m, text, sprintf(text, "{\"ack\":%ld}", m->cursor));
}
/* A row of the log, for a reader that has all before it. */
static void read1(Member *m, int sender, const Row *row, double t) {
  if (sender < 0) return wrong("an unknown author at", m->cursor + 1, m - all);
  long n;
  Seen *before = seenAt(m->cursor);
  char chained[32];
  strcpy(chained, m->cursor == 0 ? "" : before->hash[0] ? before->hash : m->hash);
  Seen *place = seenAt(++m->cursor);
  if (row->textLength != textBytes || row->saltLength > 64 || authorIn(row->text, &n) != sender || n + 1 != row->n || !isFilled(row->text))
    return wrong("another text at", m->cursor, row->n);
  if (!place->hash[0]) {
    if (row->n != ++expected[sender]) wrong("an author's message out of order", expected[sender], row->n);
    place->sender = sender;
    place->n = row->n;
    chain(place, chained, all + sender, row);
  } else if (place->sender != sender || place->n != row->n) wrong("two orders at", m->cursor, m - all);
  m->heard++;
  if (m == all + sender && row->n > m->echoed) m->echoed = row->n;
  took(sender, row->n - 1, m, t);
}
static void entries(Member *m, const char *from, const char *end, double t) {
  long seq = strtol(from + 8, NULL, 10);
  const char *at = find(from, end, "\"e\":[[[");
  int authors[64], count = 0;
  long lastN[64] = {0}, lc = 0, time = 0;
  if (!at || seq < 1 || seq > maxSeq) return wrong("no rows from", seq, 0);
  if (seq != m->cursor + 1) return wrong("a gap or a double at", seq, m->cursor);
  for (at += 6; *at == '[' && count < 64;) {
    char name[48], dev[48];
    field(name, sizeof name, at, end, "[\"");
    field(dev, sizeof dev, at, end, "\",\"");
    authors[count] = -1;
    for (int i = 0; i < senders; i++)
      if (strcmp(all[i].dev, dev) == 0 && strcmp(all[i].name, name) == 0) authors[count] = i;
    count++;
    at = memchr(at, ']', end - at);
    if (!at++ || at >= end) return wrong("a table without an end from", seq, 0);
    if (*at == ',') at++;
  }
  for (at++; *at == ',' && at < end;) {
    long number[6];
    Row row;
    at += 2;
    for (int i = 0; i < 6; i++, at++) number[i] = strtol(at, (char **)&at, 10);
    if (number[0] < 0 || number[0] >= count || *at != '"') return wrong("a row that was not said here", m->cursor, 0);
    row.n = lastN[number[0]] += number[1];
    row.lc = lc += number[2];
    row.at = time += number[3];
    row.ts = row.at - number[4];
    row.seen = row.n - number[5];
    row.text = ++at;
    at = memchr(at, '"', end - at);
    if (!at || end - at < 5) return wrong("a row without an end behind", m->cursor, 0);
    row.textLength = at - row.text;
    row.salt = at + 3;
    at = memchr(row.salt, '"', end - row.salt);
    if (!at || end - at < 2) return wrong("a row without an end behind", m->cursor, 0);
    row.saltLength = at - row.salt;
    if (at[1] != ']') return wrong("more than was said at", m->cursor, 0);
    at += 2;
    read1(m, authors[number[0]], &row, t);
  }
  char hash[32];
  field(hash, sizeof hash, at, end, "\"h\":\"");
  if (strcmp(hash, seenAt(m->cursor)->hash) != 0) wrong("another chain at", m->cursor, m - all);
  strcpy(m->hash, hash);
  if (m->head > 0 && m->caughtAt == 0 && m->cursor >= m->head) m->caughtAt = t;
  if (m->cursor - m->acked >= flow.ackEach) ack(m, t);
  if (withSignatures && !m->isAsking && m->cursor >= (m->asked + flow.block - 1) / flow.block * flow.block) {
    char text[40];
    frame(m, text, sprintf(text, "{\"sigs\":%ld}", m->asked));
    m->isAsking = 1;
  }
}
static void roomFrame(Member *m, const char *from, long count, double t) {
  const char *end = from + count;
  if (isUnder(from, count, "{\"from\":")) return entries(m, from, end, t);
  if (isUnder(from, count, "{\"v\":")) {
    printf("prove %ld %.*s\n", (long)(m - all), (int)count, from);
    fflush(stdout);
  } else if (isUnder(from, count, "{\"welcome\"")) welcomed(m, from, end);
  else if (isUnder(from, count, "{\"rejoin\"")) {
    rejoins++;
    join(m, m->join.at, m->join.length);
  } else if (isUnder(from, count, "{\"refused\"")) {
    fprintf(stderr, "load: %.*s\n", (int)count, from);
    exit(1);
  } else if (isUnder(from, count, "{\"sigs\"")) {
    m->asked = (m->asked + flow.block - 1) / flow.block * flow.block + 1;
    m->isAsking = 0;
  } else if (from[0] == '[')
    for (const char *at = from; (at = find(at, end, "{\"from\":")); at++) entries(m, at, end, t);
}
/* Whole texts between `^` and `$`; returns what is behind the last of them. */
static const char *texts(Member *m, const char *from, const char *end, double t) {
  const char *at = from, *last;
  while ((at = memchr(at, '^', end - at)) && (last = memchr(at, '$', end - at))) {
    long n;
    int author = authorIn(at, &n);
    if (last - at + 1 != textBytes || author < 0 || author >= senders || !isFilled(at)) wrong("another text of", author, n);
    else if (n != m->numbers[author]++) wrong("out of order, of author and n", author, n);
    else {
      m->heard++;
      took(author, n, m, t);
    }
    from = at = last + 1;
  }
  return from;
}
static const char *frames(Member *m, const char *from, const char *end, double t) {
  if (m->state == Greeting && end - from >= 64) {
    static const char ready[] = "\4\51\5READY\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0\0";
    put(m, ready, sizeof ready - 1);
    m->state = Ready;
    from += 64;
  }
  while (m->state > Greeting && end - from >= 2) {
    const unsigned char *head = (const void *)from;
    int isLong = head[0] & 2;
    if (isLong && end - from < 9) break;
    unsigned long size = isLong ? 0 : head[1];
    for (int i = 1; isLong && i < 9; i++) size = size << 8 | head[i];
    if (size > 1 << 20) fail("a frame of more than a mebibyte");
    long count = size;
    const char *body = from + (isLong ? 9 : 2);
    if (end - body < count) break;
    framesIn++;
    if (head[0] & 4) {
      if (m->state == Ready && isUnder(body, count, "\5READY")) greeted(m);
    } else if (kind == Room) roomFrame(m, body, count, t);
    else texts(m, body, body + count, t);
    from = body + count;
    if (m->fd < 0) return from;
  }
  return from;
}
static const char *stream(Member *m, const char *from, const char *end, double t) {
  const char *ping = find(from, end, kind == Irc ? "PING " : "PING\r\n");
  // The end of the names: from here on it hears the channel.
  if (m->state == Joining && find(from, end, " 366 ")) m->state = Open;
  if (kind == Nats && ping) put(m, "PONG\r\n", 6);
  if (kind == Irc && ping && memchr(ping, '\n', end - ping)) {
    char text[300];
    put(m, text, snprintf(text, sizeof text, "PO%.*s", (int)((char *)memchr(ping, '\n', end - ping) - ping - 1), ping + 2));
    if (memchr(from, '^', end - from) == NULL) from = memchr(ping, '\n', end - ping) + 1;
  }
  return texts(m, from, end, t);
}
static void hear(Member *m, double t) {
  static char bytes[1 << 18];
  int count = recv(m->fd, bytes, sizeof bytes, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return hangUp(m);
  bytesIn += count;
  const char *from = bytes, *end = bytes + count;
  if (m->in > 0) {
    if (m->in + count > m->inRoom) m->inBytes = realloc(m->inBytes, m->inRoom = 2 * (m->in + count));
    memcpy(m->inBytes + m->in, bytes, count);
    from = m->inBytes;
    end = from + m->in + count;
  }
  const char *rest = kind <= Original ? frames(m, from, end, t) : stream(m, from, end, t);
  if (m->fd < 0) return;
  m->in = end - rest;
  if (m->in > m->inRoom) m->inBytes = realloc(m->inBytes, m->inRoom = 2 * m->in);
  if (m->in > 0) memmove(m->inBytes, rest, m->in);
}

/* ---- Node's answers ---- */

static char answers[1 << 20];
static int answersIn;
static pid_t restarted;
static void answer(char *line) {
  if (isUnder(line, strlen(line), "restarted ")) {
    restarted = atoi(line + 10);
    return;
  }
  Member *m = all + strtol(line, &line, 10);
  for (int i = 0; i < 32; i++) {
    char two[3] = {line[1 + 2 * i], line[2 + 2 * i], 0};
    m->sessionKey[i] = strtol(two, NULL, 16);
  }
  if (m->state != Joining && m->state != Open) return;
  join(m, line + 66, strlen(line + 66));
  flush(m);
}
static void hearNode(void) {
  int count = read(0, answers + answersIn, sizeof answers - answersIn - 1);
  if (count <= 0) fail("nobody answers");
  answersIn += count;
  char *from = answers, *end;
  while ((end = memchr(from, '\n', answers + answersIn - from))) {
    *end = 0;
    answer(from);
    from = end + 1;
  }
  memmove(answers, from, answersIn -= from - answers);
}

static const unsigned node = ~0u;
static void wait1(double untilS) {
  static struct epoll_event events[512];
  struct timespec time = {0, 0};
  double left = untilS - now();
  if (left > 0) time = (struct timespec){(long)left, fmod(left, 1) * 1e9};
  int count = epoll_pwait2(epoll, events, 512, &time, NULL);
  for (int i = 0; i < count; i++) {
    if (events[i].data.u32 == node) {
      hearNode();
      continue;
    }
    Member *m = all + events[i].data.u32;
    if (m->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) hear(m, now());
    flush(m);
  }
}
static void upkeep(double t) {
  int joining = 0;
  for (int i = 0; i < members; i++) joining += all[i].state != Down && all[i].state != Open;
  for (int i = 0; i < members; i++) {
    Member *m = all + i;
    if (m->state == Down && t >= m->retryAt && joining++ < atOnce) dial(m);
    if (kind == Room && m->state == Open && t - m->ackedAt > 5) ack(m, t);
    flush(m);
  }
}

/* ---- Saying ---- */

/* What a member has to say now goes together, as a real one does. */
static void say(Member *m, int count) {
  if (kind != Room) {
    for (; count > 0; count--, m->said++) {
      Text words = m->words[m->said];
      if (kind == Original) frame(m, words.at, words.length);
      else put(m, words.at, words.length);
    }
    return;
  }
  static char text[1 << 17];
  while (count > 0) {
    int length = sprintf(text, "{\"up\":%ld,\"m\":[", ++m->uploads);
    for (int i = 0; count > 0 && i < maxTogether && length < maxUpload; i++, count--, m->said++) {
      Text words = m->words[m->said];
      if (i > 0) text[length++] = ',';
      memcpy(text + length, words.at, words.length);
      length += words.length;
      if (m->isFirst) length += sprintf(text + length - 1, ",\"first\":1}") - 1;
      m->isFirst = 0;
    }
    text[length++] = ']';
    unsigned char digest[32];
    char mac[48];
    hmac(m->sessionKey, text, length, digest);
    base64url(mac, digest, 16);
    length += sprintf(text + length, ",\"mac\":\"%s\"}", mac);
    frame(m, text, length);
  }
}
/* As many as may be under way, strictly by turns: so the what-th message of all tells whose it is, and its number. */
static void sayWhatMayBe(long limit) {
  static int counts[10000];
  for (; sent < limit && sent - complete < underWay; sent++) {
    int i = sent % senders;
    Member *m = all + i;
    if (m->state != Open || (kind == Room && m->said + counts[i] - m->echoed >= maxUnderWay)) break;
    counts[i]++;
  }
  for (int i = 0; i < senders; i++) {
    if (counts[i] > 0) say(all + i, counts[i]);
    counts[i] = 0;
    flush(all + i);
  }
}
static void sayUntil(long limit) {
  double upkeepAt = 0, movedAt = now();
  for (long before = -1; complete < limit && errors == 0;) {
    sayWhatMayBe(limit);
    wait1(now() + 0.02);
    double t = now();
    if (t - upkeepAt > 0.1) upkeep(upkeepAt = t);
    if (before != total) movedAt = t;
    before = total;
    if (t - movedAt > 10) {
      wrong("nothing comes any more; complete and sent", complete, sent);
      return;
    }
  }
}
/* Each at its time, whatever has come back: who waits for answers does not see what those wait for who do not. */
static void sayAtRate(long limit) {
  double begin = now() - sent / rate, upkeepAt = 0, endAt = 0;
  while (complete < limit && errors == 0) {
    double t = now();
    for (; sent < limit && begin + sent / rate <= t; sent++) {
      Member *m = all + sent % senders;
      saidAt[sent] = begin + sent / rate;
      say(m, 1);
      flush(m);
    }
    if (sent == limit && endAt == 0) endAt = t + 10;
    if (endAt > 0 && t > endAt) {
      wrong("after 10 s not everybody has all; complete and sent", complete, sent);
      return;
    }
    wait1(sent < limit ? fmin(begin + sent / rate, t + 0.02) : t + 0.02);
    if (t - upkeepAt > 0.1) upkeep(upkeepAt = t);
  }
}

/* ---- What it costs ---- */

static double cpuOf(pid_t pid) {
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  return t.tv_sec + t.tv_nsec / 1e9;
}
static long kibOf(pid_t pid) {
  char path[40], line[200];
  long kib = 0;
  sprintf(path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %ld", &kib);
  if (file) fclose(file);
  return kib;
}
static double busyS(void) {
  long v[8];
  FILE *file = fopen("/proc/stat", "r");
  if (!file || fscanf(file, "cpu %ld %ld %ld %ld %ld %ld %ld %ld", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) != 8) return 0;
  fclose(file);
  return (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) / (double)sysconf(_SC_CLK_TCK);
}
static int byValue(const void *a, const void *b) {
  double x = *(double *)a, y = *(double *)b;
  return (x > y) - (x < y);
}
static void quantiles(const char *name, double *values, long count) {
  if (count == 0) return;
  qsort(values, count, sizeof *values, byValue);
  printf(",\"%s\":{\"count\":%ld", name, count);
  const struct {
    const char *name;
    double part;
  } parts[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p999", .999}};
  for (int i = 0; i < 4; i++) printf(",\"%s\":%.4f", parts[i].name, values[(long)(count * parts[i].part)] * 1e3);
  printf(",\"max\":%.4f}", values[count - 1] * 1e3);
}

/* ---- Beginning ---- */

static char *fileAt(const char *path, long *length) {
  FILE *file = fopen(path, "r");
  if (!file) fail(path);
  fseek(file, 0, SEEK_END);
  *length = ftell(file);
  rewind(file);
  char *bytes = malloc(*length + 1);
  if (fread(bytes, 1, *length, file) != (size_t)*length) fail(path);
  fclose(file);
  bytes[*length] = 0;
  return bytes;
}
static Text lineOf(char **at) {
  char *end = strchr(*at, '\n');
  if (!end) fail("too few lines");
  Text line = {*at, end - *at};
  *at = end + 1;
  return line;
}
static Text copyOf(const char *bytes, int length) { return (Text){memcpy(malloc(length), bytes, length), length}; }
static void makeFill(void) {
  int length = 0, room = textBytes - head - 1;
  while (nonAscii && length + 2 <= room) length += sprintf(fill + length, "é");
  while (length < room) fill[length++] = 'x';
  fill[length++] = '$';
}
static Text wordsOf(int author, long n) {
  static char text[5300], line[11000];
  sprintf(text, "^%04d.%08ld%s", author, n, fill);
  if (kind == Irc) return copyOf(line, sprintf(line, "PRIVMSG #room :%s\r\n", text));
  if (kind == Original) return copyOf(line, sprintf(line, "{\"name\": \"%s\", \"text\": \"%s\\n\"}", all[author].name, text));
  char body[5200];
  int count = sprintf(body, "{\"name\": \"%s\", \"text\": \"%s\\n\"}", all[author].name, text);
  if (kind == Nats) return copyOf(line, sprintf(line, "PUB room %d\r\n%s\r\n", count, body));
  int head = count < 126 ? 2 : 4;
  line[0] = (char)0x81;
  line[1] = (char)(0x80 | (count < 126 ? count : 126));
  if (head == 4) line[2] = count >> 8, line[3] = count & 255;
  // A mask of zeros changes nothing.
  memset(line + head, 0, 4);
  memcpy(line + head + 4, body, count);
  return copyOf(line, head + 4 + count);
}
static void prepare(const char *membersPath, const char *wordsPath) {
  long length;
  char *joins = kind == Room ? fileAt(membersPath, &length) : NULL, *words = kind == Room && perSender > 0 ? fileAt(wordsPath, &length) : NULL;
  // Who has written what is read, and may not be here.
  int known = members > senders ? members : senders;
  all = calloc(known, sizeof *all);
  expected = calloc(senders, sizeof *expected);
  if (perSender > 0) had = calloc(perSender * senders, sizeof *had);
  for (int i = 0; i < known; i++) {
    Member *m = all + i;
    m->fd = -1;
    sprintf(m->name, "m%d", i);
    m->numbers = calloc(senders, sizeof *m->numbers);
    if (kind != Room) continue;
    m->join = lineOf(&joins);
    const char *end = m->join.at + m->join.length;
    field(m->key, sizeof m->key, m->join.at, end, "\"key\":\"");
    field(m->dev, sizeof m->dev, m->join.at, end, "\"dev\":\"");
  }
  for (int i = 0; i < senders && perSender > 0; i++) {
    all[i].words = calloc(perSender, sizeof *all[i].words);
    for (long n = 0; n < perSender; n++) all[i].words[n] = words ? lineOf(&words) : wordsOf(i, n);
  }
}
static int areAll(enum State state) {
  for (int i = 0; i < members; i++)
    if (all[i].state != state || (state == Open && kind == Room && all[i].caughtAt == 0)) return 0;
  return 1;
}
/* Until everybody is in and has read, and nothing comes any more. */
static void enterAll(double patienceS) {
  double giveUpAt = now() + patienceS, quietAt = now();
  long before = 0;
  for (;;) {
    double t = now();
    upkeep(t);
    wait1(t + 0.005);
    if (bytesIn - before > 40L * members || !areAll(Open)) quietAt = t, before = bytesIn;
    if (t - quietAt >= settleMs / 1e3) return;
    if (t > giveUpAt) {
      int open = 0;
      for (int i = 0; i < members; i++) open += all[i].state == Open;
      fprintf(stderr, "load: only %d of %d are in\n", open, members);
      exit(1);
    }
  }
}
static double latest(int isCaught) {
  double last = 0;
  for (int i = 0; i < members; i++) last = fmax(last, isCaught ? all[i].caughtAt : all[i].openedAt);
  return last;
}

int main(int count, char **words) {
  if (count < 3) fail("usage: load KIND PORT key=value…");
  const char *kinds[] = {"room", "original", "irc", "nats", "ws"}, *tasks[] = {"saturate", "rate", "idle", "replay", "restart"};
  const char *membersPath = "", *wordsPath = "";
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < 5; i++)
    if (strcmp(words[1], kinds[i]) == 0) kind = i;
  port = atoi(words[2]);
  for (int i = 3; i < count; i++) {
    char *value = strchr(words[i], '=');
    if (!value) fail(words[i]);
    *value++ = 0;
    const char *key = words[i];
    const struct {
      const char *key;
      int *to;
    } numbers[] = {{"members", &members},     {"senders", &senders},     {"underWay", &underWay},
                   {"textBytes", &textBytes}, {"settleMs", &settleMs},   {"signatures", &withSignatures},
                   {"nonAscii", &nonAscii},   {"history", &history},     {"atOnce", &atOnce}};
    int isKnown = 0;
    for (unsigned k = 0; k < sizeof numbers / sizeof *numbers; k++)
      if (strcmp(key, numbers[k].key) == 0) *numbers[k].to = atoi(value), isKnown = 1;
    if (isKnown) continue;
    if (strcmp(key, "messages") == 0) messages = atol(value);
    else if (strcmp(key, "warmUp") == 0) warmUp = atol(value);
    else if (strcmp(key, "rate") == 0) rate = atof(value);
    else if (strcmp(key, "seconds") == 0) seconds = atof(value);
    else if (strcmp(key, "server") == 0) server = atoi(value);
    else if (strcmp(key, "joins") == 0) membersPath = value;
    else if (strcmp(key, "words") == 0) wordsPath = value;
    else if (strcmp(key, "task") == 0) {
      for (int k = 0; k < 5; k++)
        if (strcmp(value, tasks[k]) == 0) task = k;
    } else fail(key);
  }
  if (senders > members && task != Replay) senders = members;
  if (textBytes < 20 || textBytes > 5000 || senders > 9999) fail("texts have 20 to 5000 bytes, of at most 9999 senders");
  makeFill();
  int says = task == Saturate || task == Rate || task == Restart;
  perSender = says ? (warmUp + messages + senders - 1) / senders : 0;
  epoll = epoll_create1(0);
  prepare(membersPath, wordsPath);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = node};
  epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);

  long emptyKib = kibOf(server);
  double beganCpu = cpuOf(server), begin = now();
  enterAll(300);
  double joinsCpu = cpuOf(server) - beganCpu, joinsS = (kind == Room ? latest(0) : now()) - begin;
  if (cuts > 0 && task != Idle && task != Restart) wrong("connections that ended", cuts, 0);

  double cpu = cpuOf(server), own = cpuOf(getpid()), busy = busyS(), at = now();
  long all0 = total, deliveries;
  if (says && warmUp > 0) {
    sayUntil(warmUp);
    cpu = cpuOf(server), own = cpuOf(getpid()), busy = busyS(), at = now(), all0 = total;
  }
  isMeasuring = 1;
  bytesIn = framesIn = 0;
  if (task == Saturate) sayUntil(warmUp + messages);
  else if (task == Rate) {
    saidAt = calloc((perSender + 1) * senders, sizeof *saidAt);
    tookOwn = malloc((messages + 1) * sizeof *tookOwn);
    tookOthers = malloc((messages + 1) * (long)members * sizeof *tookOthers);
    sayAtRate(warmUp + messages);
  } else if (task == Idle) {
    for (double end = now() + seconds; now() < end;) {
      wait1(now() + 0.05);
      upkeep(now());
    }
  } else if (task == Restart) {
    // All but the senders go away, and what they miss meanwhile is said.
    for (int i = senders; i < members; i++) {
      hangUp(all + i);
      all[i].retryAt = 1e18;
    }
    int everybody = members;
    members = senders;
    sayUntil(messages);
    members = everybody;
    printf("restart\n");
    fflush(stdout);
    while (!restarted) wait1(now() + 0.05);
    server = restarted;
    at = now();
    cpu = 0;
    for (int i = 0; i < members; i++) {
      if (all[i].fd >= 0) hangUp(all + i);
      all[i].caughtAt = all[i].retryAt = 0;
    }
    enterAll(120);
  }
  deliveries = total - all0;
  double took = task == Restart || task == Replay ? latest(1) - (task == Restart ? at : begin) : now() - at;
  cpu = cpuOf(server) - cpu;
  own = cpuOf(getpid()) - own;
  busy = busyS() - busy;
  // Nothing may come behind the last one.
  for (double end = now() + 0.1; says && errors == 0 && now() < end;) wait1(end);
  if (says && errors == 0 && total != all0 + deliveries) wrong("more came than was said", total - all0, deliveries);
  if (rejoins > 0) wrong("members had to join again", rejoins, 0);
  if (task == Replay) deliveries = total, cpu = joinsCpu;
  if (task == Replay && total != (long)members * history) wrong("not all was given again", total, (long)members * history);

  printf("{\"members\":%d,\"messages\":%ld,\"deliveries\":%ld,\"seconds\":%.4f,\"cpu\":%.6f,\"loadCpu\":%.6f,\"otherCpu\":%.3f,"
         "\"bytes\":%ld,\"frames\":%ld,\"emptyKib\":%ld,\"kib\":%ld,\"joinsSeconds\":%.4f,\"joinsCpu\":%.6f,\"cuts\":%ld,\"errors\":%ld",
         members, messages, deliveries, took, cpu, own, fmax(busy - cpu - own, 0), bytesIn, framesIn, emptyKib, kibOf(server), joinsS, joinsCpu,
         cuts, errors);
  quantiles("own", tookOwn, ownCount);
  quantiles("others", tookOthers, othersCount);
  printf("}\n");
  return errors > 0 ? 2 : 0;
}
