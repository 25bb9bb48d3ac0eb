"""What iosim must be faithful to: the cases and rules of the semantics reference, short and in our own words.

A test carries the ids that it covers in its name: `test_K01b_...`, `test_P33_P34_...`, `test_R01_to_R05_...`; a rule without
a case its number: `test_2_3_1_...`, `test_0b4_...`; or its docstring names the rule, "(2.4.4)". conformance.py finds them.
Kinds: T a published test asserts it on the real system; Doc published documentation says it; D derived from code that
was read; A analytic; M from memory.
"""

from typing import NamedTuple


class Case(NamedTuple):
    """One observation that the model must make."""

    id: str
    kind: str
    section: str
    rule: str


class Rule(NamedTuple):
    """One rule of sections 0b, 1, 2, 3, 5, 6 and 7, and the cases that show it."""

    number: str
    rule: str
    cases: tuple[str, ...]


_CASES = {
    "9.1 Port: waiting, order, close": """
P01 T   a packet wakes every thread that waits on the port's handle, and stays on the port
P02 T   a parked remover takes the packet before any waiter on the handle, who times out
P04 T   closing the last handle wakes the waiters on it as if it were signalled
P05 T   the native remove of a parked thread ends with STATUS_ABANDONED_WAIT_0 at the close
P07 T   GetQueuedCompletionStatus then returns FALSE, ERROR_ABANDONED_WAIT_0
P08 T   so does the Ex call, alertable
P09 Doc on XP (`close_mode: keep`) a parked thread stays parked after the close
""",
    "9.2 Port: native remove and post": """
P11 T   an alertable batch of at most 2 takes the one packet there is: success, count 1
P12 T   for a thread not bound to this port a user APC goes before a packet, which stays
P13 T   a call that ended like this has not bound the thread
P16 T   a look at an empty port, timeout 0: STATUS_TIMEOUT
P17 T   a posted packet comes back with its key, value, status and 64-bit information unchanged
P18 T   a batch of 2 returns two posts in their order
P19 T   two batches of 1 do too
P21 T   a pending user APC ends an alertable look at an empty port, and runs once
""",
    "9.3 Files: association and packets": """
P22 T   a pipe end that was opened without overlapped can't be associated
P23 T   a pended read whose peer writes 3 bytes: one packet with key, OVERLAPPED, success, 3
P24 T   a read that finds its data completes at once and queues a packet all the same
P25 T   closing the last handle: one packet for the pended read, STATUS_PIPE_BROKEN, 0 bytes
P26 T   a read that pended before the association reports to the port
P27 T   a read with an APC routine on an associated handle is refused
P29 T   notification modes are refused on a synchronous handle
P30 T   a buffer one byte short: STATUS_INFO_LENGTH_MISMATCH
P32 T   a small cached write: one packet with key and OVERLAPPED, whether it pends or not
P33 T   with skip-on-success a write that returns TRUE queues none: a remove times out after 500 ms
P34 T   setting the modes to 0 does not clear the flag
P35 T   an unbuffered read pends and queues a packet in spite of the flag
P37 Doc a second association fails; the first one stays
P38 D   of two associations at once one succeeds, the other takes no reference
P40 Doc a write that returns TRUE on an associated handle still queues a packet
""",
    "9.4 Sockets and ports": """
S01 T   a reset ends a pended receive with ERROR_NETNAME_DELETED, once
S03 T   a receive that finds data returns 0 and queues one packet
S04 T   after a graceful close a receive succeeds with 0 bytes
S06 T   a receive on an unconnected socket fails without a packet
S07 T   AcceptEx pended before the association: closing the listener gives one cancelled packet
S08 T   the same when associated first
S11 T   closing with nothing pending queues nothing
S12 T   AcceptEx with data: the client closes without sending; success with 0 bytes on the listener's key
S13 T   the client's one byte comes on the listener's key, even when the accept socket is closed then
S15 T   connect(), blocking or not, queues nothing
S16 T   ConnectEx pends and queues a packet with the bytes sent
S17 T   the low bit of hEvent keeps ConnectEx's packet away and still sets the event
S19 T   ConnectEx to a closed port reports its refusal in spite of the skip flag
S20 T   shutdown, WSASendDisconnect, WSARecvDisconnect queue nothing
S21 T   DisconnectEx with an OVERLAPPED pends and queues a packet in spite of the skip flag
S22 T   DisconnectEx without one is synchronous, no packet
S24 T   a timeout leaves the outputs alone; then the data's packet; then a timeout again
S25 T   a local close ends a pended receive with ERROR_CONNECTION_ABORTED, once
S26 T   a local close with nothing pending queues nothing
S28 T   a receive outlives its issuing thread and is told of the close
S29 T   an overlapped ioctl that succeeds at once queues one packet
S30 T   AcceptEx without a receive length completes with the connection
S32 T   too short a local address area: ERROR_INSUFFICIENT_BUFFER after pending; accept() still works
S33 T   no remote address area: WSAEFAULT at once
S34 T   a socket in a pending AcceptEx can be used for nothing else: WSAEINVAL
S35 T   AcceptEx with a UDP, bound or connected socket: WSAEINVAL
S37 T   ConnectEx on a connected socket: WSAEISCONN, synchronous
S38 Doc the buffers of one receive are filled in their order
S39 D   two posted receives of 4 share 6 bytes as 4 and 2, in their order
S41 Doc AcceptEx that waits for data of a silent client fails when its socket is closed
S42 Doc TF_REUSE_SOCKET without TF_DISCONNECT: WSAEINVAL
S43 Doc of several signalled events wait-any returns the lowest index
S44 Doc select with three NULL sets: WSAEINVAL
""",
    "9.5 Thread-pool I/O": """
T01 T   a pended read: one callback with status, bytes and OVERLAPPED; both waits return
T02 T   two reads: two callbacks, and the wait returns after both
T04 T   a read that succeeds at once: one callback
T05 T   a read that fails at once and is taken back by Cancel: none
T06 T   a cancelled read: one callback, STATUS_CANCELLED, 0 bytes
T08 Doc skip-on-success without a Cancel: the object never drains
""",
    "9.6 Kernel queue: the counters": """
K01 D   limit 1, three parked: the first packet goes to the newest waiter, the rest is queued
K01b D  who removes again takes the next packet without parking
K01c D  who blocks releases the newest waiter with the oldest packet
K01d D  who comes back from a wait overshoots the limit and releases nobody
K01f D  the overshoot drains: the last active thread takes the last packet, then parks
K02 D   limit 2, four parked, six packets: two are handed out newest first, four queued
K02b D  each of two that block lets one in
K02c D  both come back: four run under a limit of two
K02e D  the others take the last two packets without a switch
K04 D   a thread whose remove timed out is active and keeps packets from the parked one
K06 D   a thread that turns to another port frees its place on the old one at once
K07 D   polling counts once, however often
K09 D   concurrency 0 means the number of processors
K10 D   a pre-empted thread still counts
K11 D   a wait that does not block, and Sleep(0), release nobody
K13 D   a kernel APC makes a parked thread the newest waiter
K15 Doc limit 1, work never short: one worker does everything, no switch
K17 D   CPU-bound workers never exceed the limit; the others stay parked
K18 D   a port that dies unlinks its threads; they release nothing on it later
""",
    "9.7 IRP and completion": """
I01 T   five locations: the current one is the sixth, the thread's list empty
I02 T   two locations: the current one is the third; fixed size, no lookaside flag without quota
I03 D   routines run from the lowest up, see the status left below, find the finished location cleared
I05 D   a routine for success does not run on an error; the pending bit is carried up
I07 D   completing twice is fatal
I08 D   more drivers than locations are fatal
I09 D   a request that ends in its dispatch routine is told of inline, before the call returns
I11 D   an error after pending: status block and packet carry it
I12 D   an immediate error: no status block, no event, no packet
I13 D   a master completes with the last of its three associated IRPs, in any order
I14 D   a paging read sets its event with the driver's boost: no packet, no APC
I16 D   a cancel without a routine returns FALSE, the mark stays, the request may succeed
I17 Doc CancelIoEx with nothing pending: ERROR_NOT_FOUND
I19 Doc a thread's end cancels only what does not report to a port
I20 D   100 IRPs over lists of depth 4: hits within the depths, counters add up
I21 D   unbuffered: unaligned length, offset or buffer is STATUS_INVALID_PARAMETER, no packet
I23 D   a cached read on a synchronous handle is fast I/O without an IRP
I24 Doc NTFS: a write beyond the valid data length blocks its caller, one inside does not
I25 Doc ReFS: an extending write is not forced to be synchronous
""",
    "9.8 DPC, APC, device queue": """
D01 T   inserted at PASSIVE_LEVEL with medium importance, a DPC has run when the call returns
D03 T   removed at DISPATCH_LEVEL it never runs
D04 Doc high importance goes to the head
D06 T   three nested critical regions count -1, -2, -3 and disable normal kernel APCs only
D07 T   a guarded region has a counter of its own and disables all
D08 T   APC_LEVEL disables all with both counters at 0
D09 T   an idle device queue takes no entry and becomes busy
D10 T   a busy one is first in, first out; found empty, it is idle
""",
    "9.9 RSS and NDIS": """
R01 Doc published row 1, IPv4 addresses
R02 Doc published row 2, IPv4 addresses
R03 Doc published row 3, IPv4 addresses
R04 Doc published row 4, IPv4 addresses
R05 Doc published row 5, IPv4 addresses
R06 Doc published row 1 with TCP ports
R07 Doc published row 2 with TCP ports
R08 Doc published row 3 with TCP ports
R09 Doc published row 4 with TCP ports
R10 Doc published row 5 with TCP ports
R11 Doc published row 6, IPv6 addresses
R12 Doc published row 7, IPv6 addresses
R13 Doc published row 8, IPv6 addresses
R14 Doc published row 6 with TCP ports
R15 Doc published row 7 with TCP ports
R16 Doc published row 8 with TCP ports
R17 A   zero, the first bit, the last bit; the hash is linear
R18 Doc 64 entries over 4 processors: row 1 has index 56, processor 0
R19 Doc only TCP is hashed: a UDP packet has no hash and goes to the default processor
R21 Doc TCP and IP are hashed: an ICMP packet shows its addresses
R23 Doc 8 processors named, 4 queues: 4 are used
N01 Doc budget 64, 200 frames: 64, 64, 64, 8; the interrupt stays masked meanwhile
N03 Doc a masked vector fills its own ring only
N04 D   a ring of 256, 300 frames, no DPC: 44 are dropped
N06 A   moderation T: at most 1/T interrupts a second, r*T frames each
N07 A   a lone frame is T late; without moderation 0
N08 Doc adjacent TCP segments make one unit, a gap begins another
N10 Doc a unit has PSH if a segment in it had
""",
    "9.10 Scheduler": """
C01 D   a wake boosts to base plus increment
C03 D   not above 15
C04 Doc real-time threads are not boosted
C06 D   a pre-empted thread goes on before its equals with the rest of its quantum
C07 D   at its quantum's end a thread goes to the tail with a full one
C09 D   client 18 and 6 units, server 36
C11 D   a worker released by a port gets no boost
C12 Doc user-mode scheduling fails on Windows 11: ERROR_NOT_SUPPORTED
""",
    "9.11 Storage and queues": """
H01 A   7200 rpm: 4.167 ms of rotation on average
H03 A   the seeks of an HP 97560
H04 M   of 33 requests 32 are in the drive, 1 in the port driver
H07 A   8 units of 100 us: 10k, 40k, 80k, 80k IOPS at depth 1, 4, 8, 64
H08 A   8 random places keep 5.25 of 8 units busy
H09 A   Little's law for every queue
H11 A   one worker with exponential times is M/M/1
H12 A   two classes: several workers cure the short one's head-of-line blocking
""",
}

# Cases without a test, and why; by id or by section.
LEFT_OUT: dict[str, str] = {}

# Sections whose cases are all due now, but for those that LEFT_OUT names.
DUE = ("9.1", "9.2", "9.3", "9.4", "9.5", "9.6", "9.7", "9.8", "9.9", "9.10")

_RULES = """
0b.1 the completing DPC unlocks pages and starts what waits; remover (`direct`) or issuer (`apc`) pays for the rest
0b.2 "neither" is not free: the driver probes and locks
0b.3 which requests are linked to the port without an APC is a table with a switch
0b.4 STATUS_PENDING or a cancel routine at completion is fatal under a verifier, double completion always
0b.5 a discarded packet leaves its OVERLAPPED pending for ever in `direct` mode
0b.6 cleanup needs the last handle; what is in flight ends normally
0b.7 a worker woken from a DPC on its own processor runs after the drain, on another one at once
0b.8 a suspended thread gives its place up when it runs the suspend APC
0b.9 below the limit each insert wakes one more waiter; batches form at the limit
0b.10 a holder of a spin lock takes interrupts but no DPC and no pre-emption
0b.11 two busy SMT siblings do 1.15 to 1.35 of one
0b.12 `quantum_mode`: ticks charge whoever runs, cycles leave ISRs and DPCs out
0b.13 timers expire at the clock tick, rounded up
0b.14 `lock_handoff`: fair locks hand over, unfair ones let the releaser barge in
0b.15 who starves is lifted to 15 by the balance-set manager
0b.16 ready queues: one a processor, or shared
0b.17 a cached miss enters the file-system stack again at the top
0b.18 splitting: associated IRPs above, IRPs of the driver's own below
0b.19 the port driver's queue is first in, first out, with a depth of its own
0b.20 cached misses have a bounded number of workers; past it the issuer blocks
0b.21 processors may share a queue pair
0b.22 a dropped TCP frame is latency, not an end
0b.23 the copy into a posted receive runs in the DPC
0b.24 a partly filled receive may be held for PSH
0b.25 the receive budget's default is all
0b.26 the indirection table is rebalanced
1.2 a port is made and associated in one call or in two
1.2.1 concurrency counts at creation only; 0 means the processors [K09]
1.2.2 there is no maximum [K09]
1.2.3 one association a file object, for good [P37 P38]
1.2.4 none for a synchronous one [P22]
1.2.5 it belongs to the file object: duplicates share it
1.2.6 it lasts as long as the file object
1.2.7 it holds a reference on the port [P38]
1.2.8 what pended before it reports too, unless it has an APC [P26]
1.2.9 an APC routine on an associated file object is refused before there is an IRP [P27]
1.2.10 making it signals the file object's event, unless mode 2
1.3 the eight rows of when a packet is queued [I11 I12 P24 P32 P33 P35 P40]
1.4 an insert is one step under the port's lock
1.4.1 below the limit the newest waiter gets the packet directly [K01 K02]
1.4.2 else it goes to the tail [K01 K02]
1.4.3 the depth before the insert is returned
1.4.4 a wake by the port pre-empts nobody for it and carries no boost [C11]
1.4.5 an insert by a kernel APC on a thread parked here wakes no other
1.5.1 a bound caller is not active while it asks [K01b K07]
1.5.2 a first call binds, frees the place on the old port, and counts nothing down [K06]
1.5.3 below the limit the oldest packet is taken without waiting [K01b K15]
1.5.4 else kernel APC, user APC, timeout, park, in this order [P12 P16 P21]
1.5.5 a caller may park in front of packets [K01f]
1.5.6 what ends a park: packet, timer, kernel APC (park again, newest, same deadline) [K04 K13]
1.5.7 who timed out is bound and active [K04 K07]
1.5.8 ready counts as active [K10]
1.6 who releases one and who does not [K01c K06 K10 K11]
1.7 a wait's end counts up unconditionally; the overshoot drains by parking [K01d K02c]
1.8 the first remove binds; end, another port or the port's death unbinds [K06 K18 P13]
1.9.1 packets are first in, first out [P18 P19]
1.9.2 threads are released last in, first out [K01]
1.9.3 packets come in the order of completion
1.10 the three outcomes of GetQueuedCompletionStatus; without a packet key and bytes stay [P07 P16 P17]
1.11.1 a batch never waits for more than one [P11 P18 P19]
1.11.2 a batch takes one place under the limit
1.11.3 one of several parked threads takes what is there when it runs
1.11.4 packet or APC first hangs on whether the thread is bound [P12 P13 P21]
1.11.5 not alertable: the APC waits
1.11.6 the count after a timeout says nothing
1.12 posts are verbatim and go to the tail; one exit packet a worker [P17 P18]
1.13 closing abandons the parked and discards the queued [P05 P07 P08 P09]
1.14 the handle is signalled while an unclaimed packet is queued; waiting on it binds nobody [P01 P02 P04]
1.15 notification modes: never cleared, unknown bits ignored, refused when synchronous [P29 P30 P33 P34]
1.16 cancelling marks; every pended request yields exactly one packet [I16 I17 I19]
2.1.1 a header and one location a driver [I01]
2.1.2 a new IRP stands above its first driver [I01 I02]
2.1.3 small, large and shared lookaside lists, then pool; with a quota pool at once [I02 I20]
2.1.4 free goes the same way back [I20]
2.1.5 mini packets have lists of their own
2.2.1 a call goes one location down, in the caller's context; below the last it is fatal [I08]
2.2.2 copy leaves the routine out; skip shares the location
2.2.3 a driver's routine is kept in the location below
2.3.1 mark pending before anybody else can complete, and return STATUS_PENDING
2.3.2 the mark is carried up by itself, or by a routine that marks again; else it is lost [I05]
2.4.1 completion walks from the lowest up [I03]
2.4.2 on success, on error, when cancelled: which routines run [I05]
2.4.3 the finished location is cleared first [I03]
2.4.4 MORE_PROCESSING_REQUIRED stops the walk; the owner resumes above
2.4.5 what is fatal [I07]
2.5.1 an associated IRP counts its master down; the last completes it with its boost [I13]
2.5.2 the auxiliary buffer is freed
2.5.3 paging and close: status block, event, boost; nothing else [I14]
2.5.4 pages are unlocked before anybody is told
2.5.5 never pended: the issuing call does the rest [I09]
2.5.6 else APC or link; cancelled with its thread gone: silently
2.6.1 a buffered read is copied out, unless it failed
2.6.2 the MDLs are freed
2.6.3 status block, event, count, list; then one of APC, packet, nothing [I09 I11]
2.6.4 an immediate error tells nobody [I12]
2.6.5 the event comes before the packet
2.7 where the time goes in `apc` and `direct` mode
2.8.1 cancel: mark, swap, call [I16]
2.8.2 TRUE says that a routine was called
2.8.3 the swap decides a dequeue race
2.8.4 after setting the routine look at the mark again
2.8.5 marked and without a routine: in progress, or not cancellable now
2.8.6 a thread's end cancels its IRPs, waits 100 ms at a time, disowns after 3,000
2.8.7 past stage 1 there is nothing to cancel
2.9 buffered, direct, neither: what they cost and whom; a failed lock fails the call
2.10.1 fast reads and writes: synchronous and with a cache map only [I23]
2.10.2 anything but success, overflow or end of file falls back to an IRP
2.10.3 fast device control is tried for any handle
2.10.4 nothing is pended or queued to the thread
2.11 paging tells no user; a master is completed by its last part [I13 I14]
3.1 the cache maps views of 256 KiB
3.2 a cached hit is a copy that ends at once, and queues a packet [P40]
3.3 a cached miss of an overlapped call is a system worker's, by paging IRPs
3.4 read-ahead after sequential accesses, in a worker, doubled or off by a hint
3.5 the lazy writer: an eighth of the dirty pages a second, none of temporary files
3.6 write throttling: past a threshold of dirty pages writes wait
3.7 compressed, encrypted, beyond the valid data: synchronous on an overlapped handle too [I24 I25]
3.8 unbuffered requests are whole sectors [I21]
3.9 a write through is in the cache and on the disk
3.10 an overlapped request needs an offset
3.11 a file's own event is ambiguous with two requests under way
5.1 a socket is a file object, overlapped; its calls are device controls
5.2 a receive copies what is there at once, or pends with its pages locked [S03 S24]
5.3 receives are filled in the order posted, each with what there is [S38 S39]
5.4 one datagram a receive; the rest of a longer one is lost
5.5 a receive of no bytes tells of data, takes and locks nothing
5.6 a send is done when copied; without a buffer, when acknowledged
5.7 sends go out in their order
5.8 an overlapped send is never done in part
5.9 too many locked pages or copied bytes: WSAENOBUFS, no packet
5.10 AcceptEx: with the connection or its first data; the listener's key; its own context [S12 S13 S30 S32 S33 S34 S35 S41]
5.11 ConnectEx: bound; with first data; a refusal is a packet [S16 S17 S19 S37]
5.12 DisconnectEx pends; shutdown and its kin queue nothing [S20 S21 S22]
5.13 TransmitFile: from the cache, with head and tail [S42]
5.14 the peer's graceful close: data first, then success and no bytes [S04]
5.15 a reset: a packet for what pends, an error at once for what comes later [S01]
5.16 a local close ends what pends, at the last handle only [S07 S08 S11 S25 S26 S28]
5.17 a close with unread data or no linger time is a reset
5.18 receives end in their order, whoever processes them
6.1.1 the card hashes, picks a queue and a descriptor; without one the frame is dropped and nobody is told [N04]
6.1.2 a frame is there when it lies in memory
6.1.3 a queue interrupts if it is unmasked and moderation allows [N03]
6.1.4 the service routine masks its vector and queues the DPC on the same processor
6.1.5 the DPC has a budget; more left: it comes again, masked; none left: it unmasks and looks again [N01]
6.1.6 TCP/IP runs in the DPC
6.1.7 a pending receive is completed in the DPC, else the data is buffered
6.1.8 the completion goes to the port
6.1.9 low on buffers: the protocol must copy at once
6.2.1 the low bits of the hash choose an entry [R18]
6.2.2 the base processor is folded into the table
6.2.3 Toeplitz over addresses and ports in network order [R01 R06 R11 R14 R17]
6.2.4 hash types; fragments never show ports [R19 R21]
6.2.5 without a hash: the default processor [R19]
6.2.6 one flow, one processor, until the table changes
6.2.7 fewer queues than processors: a subset is used [R23]
6.2.8 SMT siblings are not used
6.2.9 profiles, the preferred node, default counts
6.2.10 the range goes by group first
6.2.11 sends: by hash, or by the processor that sends
6.3.1 moderation by count and time
6.3.2 a delay timer is paid by a lone frame, a throttle gap is not [N07]
6.3.3 adaptive: classes of traffic
6.3.4 what moderation does: fewer interrupts, waits, batches, rings that must hold them [N06]
6.4 receive coalescing and large sends [N08 N10]
7.1 32 levels, round robin inside one [C04]
7.2 quanta: the tables; tail at the end, head when pre-empted; waits and yields [C06 C07 C09]
7.3 where a woken thread runs: ideal, last, node; else pre-empt or wait
7.4 boosts: base plus increment, capped, decaying [C01 C03 C04 C11]
7.5 IRQLs: what interrupts what
7.6.1 a DPC is queued once and keeps its first arguments [D01 D03]
7.6.2 current processor, tail; high importance: head [D04]
7.6.3 when a drain is requested at once
7.6.4 a drain goes on until the queue is empty
7.6.5 at PASSIVE_LEVEL it has run when the call returns [D01]
7.6.6 no thread runs while a processor drains; its time is its own
7.7 special, normal and user APCs; critical and guarded regions [D06 D07 D08]
7.8 UMS, fibers, pools [C12]
"""

# Rules without a test, and why.
RULES_LEFT_OUT = {
    "3.1": "views are free",
    "2.5.2": "no auxiliary buffers: nothing to see",
    "2.6.2": "an MDL's memory costs nothing of its own: part of the removal's time (2.7)",
}


def _cases() -> list[Case]:
    found = []
    for section, text in _CASES.items():
        for line in text.strip().splitlines():
            id, kind, rule = line.split(maxsplit=2)
            found.append(Case(id, kind, section, rule))
    return found


def _rules() -> list[Rule]:
    found = []
    for line in _RULES.strip().splitlines():
        number, rule = line.split(maxsplit=1)
        text, _, cases = rule.removesuffix("]").partition(" [")
        found.append(Rule(number, text, tuple(cases.split())))
    return found


CASES = _cases()
RULES = _rules()


def why_left_out(case: Case) -> str:
    """Why there is no test, or "" if there should be one."""
    return LEFT_OUT.get(case.id, LEFT_OUT.get(case.section.split()[0], ""))
