-- The read model. Its rows come from receipts alone, so a view that is deleted
-- comes back the same; nothing here is the truth, the ledger is.
--
-- All amounts are integers: energies in Wh, money in the smallest units of its
-- asset, times in seconds since 1970-01-01T00:00:00Z. Numbers of accounts,
-- points, zones and so on are 64 bits without a sign on the ledger and keep
-- their bits here. STRICT refuses a sum that SQLite would turn into a float.
--
-- height, position, n say where a receipt stands: in which block, of which
-- envelope or close in it, and as which receipt of that. What may be corrected
-- keeps every revision; superseded is the revision that replaced a row, and 0 in
-- the latest one. Tables that grow with time are clustered by their key.

CREATE TABLE block (
  height    INTEGER PRIMARY KEY,
  time      INTEGER NOT NULL,
  envelopes INTEGER NOT NULL, -- And closes.
  refused   INTEGER NOT NULL  -- Of them.
) STRICT;

-- Not indexed by id: ids are random, and an index over them took two thirds of
-- the time of everything written here.
CREATE TABLE envelope (
  height   INTEGER NOT NULL,
  position INTEGER NOT NULL,
  id       BLOB    NOT NULL, -- Empty for a close.
  account  INTEGER NOT NULL, -- Who signed; 0 for a close.
  nonce    INTEGER NOT NULL,
  code     INTEGER NOT NULL, -- 0, or that of the refusal.
  at       INTEGER NOT NULL, -- Which operation was refused.
  PRIMARY KEY (height, position)
) STRICT, WITHOUT ROWID;

-- The accounts that receipts opened; those of the genesis have none.
CREATE TABLE account (
  account  INTEGER PRIMARY KEY,
  guardian INTEGER NOT NULL,
  height   INTEGER NOT NULL
) STRICT;

CREATE TABLE asset (
  asset    INTEGER PRIMARY KEY,
  symbol   TEXT    NOT NULL,
  decimals INTEGER NOT NULL,
  issuer   INTEGER NOT NULL,
  issued   INTEGER NOT NULL -- In circulation: issued less redeemed.
) STRICT;

CREATE TABLE balance (
  account INTEGER NOT NULL,
  asset   INTEGER NOT NULL,
  posted  INTEGER NOT NULL, -- Below zero: owed.
  held    INTEGER NOT NULL, -- Of posted, reserved by holds.
  PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

-- Open holds; they go when they are posted or voided.
CREATE TABLE hold (
  payer    INTEGER NOT NULL,
  number   INTEGER NOT NULL,
  asset    INTEGER NOT NULL,
  receiver INTEGER NOT NULL,
  amount   INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  PRIMARY KEY (payer, number)
) STRICT, WITHOUT ROWID;

-- Money that moved or was reserved outside of settlements.
CREATE TABLE movement (
  height   INTEGER NOT NULL,
  position INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  kind     INTEGER NOT NULL, -- 1 issue, 2 redeem, 3 transfer, 4 hold, 5 post, 6 void.
  asset    INTEGER NOT NULL,
  payer    INTEGER NOT NULL, -- 0 for an issue.
  receiver INTEGER NOT NULL, -- 0 for a redemption.
  amount   INTEGER NOT NULL,
  PRIMARY KEY (height, position, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE microgrid (
  microgrid    INTEGER PRIMARY KEY,
  operator     INTEGER NOT NULL,
  gateway      INTEGER NOT NULL,
  utility      INTEGER NOT NULL,
  network      INTEGER NOT NULL,
  levy         INTEGER NOT NULL,
  currency     INTEGER NOT NULL,
  length_s     INTEGER NOT NULL,
  start        INTEGER NOT NULL,
  grace_s      INTEGER NOT NULL,
  correction_s INTEGER NOT NULL
) STRICT;

CREATE TABLE zone (
  microgrid INTEGER NOT NULL,
  zone      INTEGER NOT NULL,
  parent    INTEGER NOT NULL, -- 0 at the root.
  PRIMARY KEY (microgrid, zone)
) STRICT, WITHOUT ROWID;

CREATE TABLE line (
  microgrid       INTEGER NOT NULL,
  zone            INTEGER NOT NULL,
  since           INTEGER NOT NULL,
  charge          INTEGER NOT NULL,
  export_limit_wh INTEGER NOT NULL, -- Per interval; -1: none.
  import_limit_wh INTEGER NOT NULL,
  loss_ppm        INTEGER NOT NULL,
  PRIMARY KEY (microgrid, zone, since)
) STRICT, WITHOUT ROWID;

CREATE TABLE point (
  microgrid  INTEGER NOT NULL,
  point      INTEGER NOT NULL,
  zone       INTEGER NOT NULL,
  account    INTEGER NOT NULL,
  capacity_w INTEGER NOT NULL, -- 0: not known.
  since      INTEGER NOT NULL,
  until      INTEGER NOT NULL, -- 0: open.
  PRIMARY KEY (microgrid, point)
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
  microgrid  INTEGER NOT NULL,
  device     INTEGER NOT NULL,
  point      INTEGER NOT NULL,
  kind       INTEGER NOT NULL, -- As in package grid.
  capacity_w INTEGER NOT NULL,
  since      INTEGER NOT NULL,
  until      INTEGER NOT NULL,
  bridged    INTEGER NOT NULL, -- 1: its key is a gateway's in the home, which signs for it.
  PRIMARY KEY (microgrid, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE tariff (
  microgrid INTEGER NOT NULL,
  since     INTEGER NOT NULL,
  retail    INTEGER NOT NULL,
  feed_in   INTEGER NOT NULL,
  levy      INTEGER NOT NULL,
  PRIMARY KEY (microgrid, since)
) STRICT, WITHOUT ROWID;

CREATE TABLE rules (
  microgrid     INTEGER NOT NULL,
  since         INTEGER NOT NULL,
  mode          INTEGER NOT NULL, -- As in package auction.
  price_rule    INTEGER NOT NULL,
  members_first INTEGER NOT NULL,
  PRIMARY KEY (microgrid, since)
) STRICT, WITHOUT ROWID;

CREATE TABLE wish (
  microgrid   INTEGER NOT NULL,
  point       INTEGER NOT NULL,
  since       INTEGER NOT NULL,
  buy         INTEGER, -- NULL: what the utility asks.
  sell        INTEGER, -- NULL: what the utility pays.
  green       INTEGER NOT NULL,
  sells_green INTEGER NOT NULL,
  partners    TEXT    NOT NULL, -- JSON array of points, first first.
  PRIMARY KEY (microgrid, point, since)
) STRICT, WITHOUT ROWID;

-- Batches of readings as they were taken.
CREATE TABLE recorded (
  height      INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  n           INTEGER NOT NULL,
  microgrid   INTEGER NOT NULL,
  first_start INTEGER NOT NULL,
  last_start  INTEGER NOT NULL,
  readings    INTEGER NOT NULL,
  late        INTEGER NOT NULL, -- Of them, for intervals that were settled.
  same        INTEGER NOT NULL, -- Of them, known already.
  PRIMARY KEY (height, position, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE exception (
  microgrid   INTEGER NOT NULL,
  device      INTEGER NOT NULL,
  reason      INTEGER NOT NULL, -- As in package metering.
  first_start INTEGER NOT NULL,
  last_start  INTEGER NOT NULL,
  import_wh   INTEGER NOT NULL, -- Below zero when the meter said so.
  export_wh   INTEGER NOT NULL,
  way         INTEGER NOT NULL, -- How what was settled came about, as in package metering; 0: the meter said it.
  days        INTEGER NOT NULL, -- How long before the like day was.
  height      INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  n           INTEGER NOT NULL,
  PRIMARY KEY (microgrid, device, reason, first_start, height, position, n)
) STRICT, WITHOUT ROWID;

-- What one connection point owes for one interval, with its lines, the trades as
-- its side sees them and what the devices behind it measured: packed, 64 bits to
-- each number (see pack.go), because one row is written in a third of the time of
-- many, and this table is most of what is written. owed is the sum of the lines.
CREATE TABLE statement (
  microgrid   INTEGER NOT NULL,
  start       INTEGER NOT NULL,
  point       INTEGER NOT NULL,
  revision    INTEGER NOT NULL,
  superseded  INTEGER NOT NULL,
  height      INTEGER NOT NULL,
  account     INTEGER NOT NULL,
  zone        INTEGER NOT NULL,
  import_wh   INTEGER NOT NULL,
  export_wh   INTEGER NOT NULL,
  produced_wh INTEGER NOT NULL,
  estimated   INTEGER NOT NULL,
  alone       INTEGER NOT NULL, -- What it would owe with the utility alone.
  owed        INTEGER NOT NULL,
  lines       BLOB    NOT NULL, -- Of each line of a bill, energy and amount.
  deals       BLOB    NOT NULL, -- Of each, bought or not, partner, class, energy, price.
  devices     BLOB    NOT NULL, -- Of each, device, import, export, estimated or not.
  origins     BLOB    NOT NULL, -- Of each lot that came to the point, device, energy, claimed or not.
  PRIMARY KEY (microgrid, start, point, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE interval (
  microgrid    INTEGER NOT NULL,
  start        INTEGER NOT NULL,
  revision     INTEGER NOT NULL,
  superseded   INTEGER NOT NULL,
  height       INTEGER NOT NULL,
  utility_sold INTEGER NOT NULL, -- What the utility got for its energy.
  utility_paid INTEGER NOT NULL, -- What it paid for the members'.
  network      INTEGER NOT NULL, -- Charges, prices of losses and congestion rent.
  levy         INTEGER NOT NULL,
  lost_wh      INTEGER NOT NULL, -- On all lines.
  loss_cost    INTEGER NOT NULL, -- What the network pays the utility for it.
  public       INTEGER NOT NULL, -- 1: anyone may see it; 0: zone_disclosed says what.
  PRIMARY KEY (microgrid, start, revision)
) STRICT, WITHOUT ROWID;

-- For those who follow what is settled.
CREATE INDEX interval_by_height ON interval (height);

CREATE TABLE zone_interval (
  microgrid INTEGER NOT NULL,
  start     INTEGER NOT NULL,
  revision  INTEGER NOT NULL,
  zone      INTEGER NOT NULL,
  price     INTEGER, -- NULL: no neighbours traded in the zone.
  supply_wh INTEGER NOT NULL,
  demand_wh INTEGER NOT NULL,
  traded_wh INTEGER NOT NULL, -- Bought from neighbours.
  bought_wh INTEGER NOT NULL, -- From the utility.
  sold_wh   INTEGER NOT NULL, -- To the utility.
  PRIMARY KEY (microgrid, start, revision, zone)
) STRICT, WITHOUT ROWID;

-- What anyone may see of intervals that are not public: a zone that is missing is
-- told within its parent, and where there is none, nothing is told. Columns are
-- those of zone_interval.
CREATE TABLE zone_disclosed (
  microgrid INTEGER NOT NULL,
  start     INTEGER NOT NULL,
  revision  INTEGER NOT NULL,
  zone      INTEGER NOT NULL,
  price     INTEGER,
  supply_wh INTEGER NOT NULL,
  demand_wh INTEGER NOT NULL,
  traded_wh INTEGER NOT NULL,
  bought_wh INTEGER NOT NULL,
  sold_wh   INTEGER NOT NULL,
  PRIMARY KEY (microgrid, start, revision, zone)
) STRICT, WITHOUT ROWID;

-- Lines over which more flowed than their limit, as a revision of the interval says.
CREATE TABLE overload (
  microgrid INTEGER NOT NULL,
  zone      INTEGER NOT NULL, -- Whose line to its parent it is.
  start     INTEGER NOT NULL,
  revision  INTEGER NOT NULL,
  flow_wh   INTEGER NOT NULL, -- Above zero to the parent, below zero from it.
  limit_wh  INTEGER NOT NULL, -- In that direction.
  PRIMARY KEY (microgrid, zone, start, revision)
) STRICT, WITHOUT ROWID;

-- Certificates: what a device produced in an interval, and what became of it. What is
-- not held by anybody is used up, expired or withdrawn.
CREATE TABLE lot (
  microgrid    INTEGER NOT NULL,
  start        INTEGER NOT NULL,
  device       INTEGER NOT NULL,
  owner        INTEGER NOT NULL, -- The account that it was issued to.
  revision     INTEGER NOT NULL,
  height       INTEGER NOT NULL,
  issued_wh    INTEGER NOT NULL,
  claimed_wh   INTEGER NOT NULL, -- With the use of the energy.
  cancelled_wh INTEGER NOT NULL, -- Later.
  expired_wh   INTEGER NOT NULL,
  withdrawn_wh INTEGER NOT NULL,
  stored_wh    INTEGER NOT NULL,
  locked_wh    INTEGER NOT NULL, -- For another registry; it may come back.
  exported_wh  INTEGER NOT NULL,
  PRIMARY KEY (microgrid, start, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE holding (
  account   INTEGER NOT NULL,
  microgrid INTEGER NOT NULL,
  start     INTEGER NOT NULL,
  device    INTEGER NOT NULL,
  energy_wh INTEGER NOT NULL,
  PRIMARY KEY (account, microgrid, start, device)
) STRICT, WITHOUT ROWID;

-- What a battery took and gave of certificates in an interval. What it gave is a lot, too.
CREATE TABLE stored (
  microgrid     INTEGER NOT NULL,
  start         INTEGER NOT NULL,
  device        INTEGER NOT NULL,
  account       INTEGER NOT NULL,
  height        INTEGER NOT NULL,
  charged_wh    INTEGER NOT NULL, -- As was measured.
  discharged_wh INTEGER NOT NULL,
  in_wh         INTEGER NOT NULL, -- Of certificates.
  out_wh        INTEGER NOT NULL,
  lost_wh       INTEGER NOT NULL,
  holds_wh      INTEGER NOT NULL, -- Afterwards.
  PRIMARY KEY (microgrid, start, device)
) STRICT, WITHOUT ROWID;

-- Use of a connection point that certificates were matched with, after the close.
CREATE TABLE use_matched (
  microgrid INTEGER NOT NULL,
  start     INTEGER NOT NULL,
  point     INTEGER NOT NULL,
  height    INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  n         INTEGER NOT NULL,
  account   INTEGER NOT NULL, -- Whose certificates they were.
  energy_wh INTEGER NOT NULL,
  PRIMARY KEY (microgrid, start, point, height, position, n)
) STRICT, WITHOUT ROWID;

-- Devices of other registries, as a microgrid knows them. Their lots are not its production.
CREATE TABLE foreign_device (
  microgrid      INTEGER NOT NULL,
  device         INTEGER NOT NULL,
  via            TEXT    NOT NULL, -- The registry that they came from.
  registry       TEXT    NOT NULL, -- That issued.
  from_microgrid INTEGER NOT NULL, -- There; 0 with a label in place of numbers.
  from_device    INTEGER NOT NULL,
  label          TEXT    NOT NULL,
  kind           INTEGER NOT NULL,
  length_s       INTEGER NOT NULL,
  PRIMARY KEY (microgrid, device)
) STRICT, WITHOUT ROWID;

-- What accounts sent to other registries and got from them.
CREATE TABLE crossing (
  height         INTEGER NOT NULL, -- Of the export or the import.
  position       INTEGER NOT NULL,
  receipt        INTEGER NOT NULL,
  account        INTEGER NOT NULL,
  microgrid      INTEGER NOT NULL,
  number         INTEGER NOT NULL, -- Of the export, where it was made; 0 of what came with evidence.
  phase          INTEGER NOT NULL, -- 0 it came; else of the export.
  registry       TEXT    NOT NULL, -- The other one.
  there          INTEGER NOT NULL, -- The microgrid there; 0 where there are none.
  other          INTEGER NOT NULL, -- The account there that an export is for.
  deadline       INTEGER NOT NULL, -- 0: none.
  energy_wh      INTEGER NOT NULL,
  evidence       BLOB    NOT NULL, -- SHA-256; empty where it was proven.
  PRIMARY KEY (height, position, receipt)
) STRICT, WITHOUT ROWID;

CREATE INDEX crossing_by_account ON crossing (account, height);

CREATE INDEX crossing_by_number ON crossing (microgrid, number, phase);

-- What a holder set aside for another account; it is in no holding.
CREATE TABLE reservation (
  holder    INTEGER NOT NULL,
  microgrid INTEGER NOT NULL,
  start     INTEGER NOT NULL,
  device    INTEGER NOT NULL,
  taker     INTEGER NOT NULL, -- The account that it is set aside for.
  energy_wh INTEGER NOT NULL,
  until     INTEGER NOT NULL,
  PRIMARY KEY (holder, microgrid, start, device, taker)
) STRICT, WITHOUT ROWID;

CREATE INDEX reservation_by_taker ON reservation (taker, microgrid, start, device);

-- Certificates that were passed on or used up by who had them.
CREATE TABLE passed (
  height      INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  n           INTEGER NOT NULL,
  how         INTEGER NOT NULL, -- 1 passed on, 2 cancelled, 3 matched with use.
  sender      INTEGER NOT NULL,
  receiver    INTEGER NOT NULL, -- 0 when they were used up.
  purpose     INTEGER NOT NULL, -- As in package certificate; 0 when they were not cancelled.
  beneficiary BLOB    NOT NULL, -- The hash of the statement that names it.
  energy_wh   INTEGER NOT NULL,
  parts       BLOB    NOT NULL, -- Of each, microgrid, start, device, energy, first serial.
  PRIMARY KEY (height, position, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX passed_by_sender ON passed (sender);
CREATE INDEX passed_by_receiver ON passed (receiver);

-- Who has some of a lot, when the lot is issued again.
CREATE INDEX holding_by_lot ON holding (microgrid, start, device);

-- A number may be proposed again once its proposal was decided.
CREATE TABLE proposal (
  proposal  INTEGER NOT NULL,
  height    INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  n         INTEGER NOT NULL,
  microgrid INTEGER NOT NULL, -- Whose members vote; 0: the council.
  proposer  INTEGER NOT NULL,
  until     INTEGER NOT NULL,
  change    TEXT    NOT NULL, -- JSON, as in package governance.
  outcome   INTEGER NOT NULL, -- 0 open, 1 adopted, 2 rejected.
  PRIMARY KEY (proposal, height, position, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE vote (
  proposal INTEGER NOT NULL,
  height   INTEGER NOT NULL,
  position INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  account  INTEGER NOT NULL,
  yes      INTEGER NOT NULL,
  PRIMARY KEY (proposal, height, position, n)
) STRICT, WITHOUT ROWID;
