# cx: customer experience management inside PostgreSQL
#
#   make demo          see it work on a telecom operator made up for the purpose
#   make check         run every test on a private server
#   make pictures      draw the pictures of the README anew
#
#   make               build, the plain PGXS way, with PG_CONFIG
#   make install       install into the server that PG_CONFIG names
#   make installcheck  test against that server, which must be running

EXTENSION = cx
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" cx.control)
JOINED = cx--$(EXTVERSION).sql

# capabilities in order of dependency; each is a pair of .c and .sql
MEASURE = tally score estimate change mix weighted multiple bucket sample_size
MEASURE_HELPERS = tally_math distribution float_state duration
PEOPLE = access erase
JOURNEY = stage_score window_funnel funnel_counts sequence path time_in_state sessionize retention query
JOURNEY_HELPERS = event_list names funnel_level funnel_list customer_event event_pile event_run customer_levels sequence_pattern step_list
LIFE = program owner catalog clock hash lookup attempt expression trigger
COLLECT = check customers live_tally mapping ticket_row sink target capture pull csv import_value import
WATCH = control_chart seasonal_chart
WATCH_HELPERS = chart rule watched row_pair alert_match watch rule_triggers rule_history rule_key outbox
RESOLVE = calendar
RESOLVE_HELPERS = opening_hours
# these have no C of their own
TICKET = sla ticket ticket_move task escalate route attached
# models: what predicts, and what it is made of
PREDICT = predictor roc evaluation risk drift split train predict inspect moments regression drivers driver_odds correlation survival_curve survival log_rank
PREDICT_HELPERS = value_hash survival_list matrix feature feature_reader model model_pack design logistic number_columns report profile train_options train_read train_arrange train_check train_leak $(FOREST) scorer predict_jsonb moments_update
# learning and scoring of trees, where time goes
FOREST = forest_bins forest_gradient forest_split forest_tree forest_train forest_check forest_score forest_explain
PRESENT = label svg picture journey_emotion journey_drawing journey_map funnel_svg path_svg evaluation_svg importance_performance_svg survival_svg

# the program that delivers messages, built where libcurl and its headers are
COURIER = address courier database delivery log mail options stop text url

# the tables and views of each room; what is between open and close is one procedure
ROOMS = people journey collect watch resolve predict
DEFINE = src/program/define_open.sql $(ROOMS:%=src/%/program.sql) src/resolve/ticket_program.sql src/predict/risk_program.sql $(VIEWS) src/program/define_close.sql
VIEWS = src/collect/views.sql src/collect/status.sql src/collect/response_rate.sql src/journey/views.sql src/journey/behaviour_views.sql src/people/views.sql src/watch/views.sql src/resolve/views.sql src/resolve/metric_views.sql src/resolve/scorecard_view.sql src/predict/risk_views.sql

SQL = src/cx.sql $(MEASURE:%=src/measure/%.sql) $(JOURNEY:%=src/journey/%.sql) src/journey/visits.sql $(WATCH:%=src/watch/%.sql) \
	src/program/settings.sql src/program/days.sql src/journey/cohort.sql src/journey/funnel.sql src/collect/metric.sql src/journey/experience.sql src/journey/publish.sql src/journey/behaviour.sql \
	src/people/merge.sql src/people/erase.sql src/people/timeline.sql \
	src/collect/live_tally.sql src/resolve/new_ticket.sql src/watch/alert_lock.sql src/watch/alert.sql \
	$(RESOLVE:%=src/resolve/%.sql) $(TICKET:%=src/resolve/%.sql) $(PREDICT:%=src/predict/%.sql) src/predict/customer_risk.sql src/predict/driver_analysis.sql $(DEFINE) \
	src/collect/capture.sql src/collect/attach.sql src/collect/adapter.sql src/collect/invite.sql src/collect/import.sql src/collect/forget.sql src/collect/maintain.sql \
	src/watch/rule_check.sql src/watch/rule.sql src/watch/metric_rule.sql src/watch/metric_alert.sql src/watch/outbox.sql \
	src/predict/model_version.sql src/people/access.sql src/program/lifecycle.sql src/present/journey_map.sql src/present/funnel_svg.sql src/present/path_svg.sql src/present/evaluation_svg.sql src/present/model_svg.sql src/present/importance_performance_svg.sql src/present/survival_svg.sql src/grants.sql

# of the README
PICTURES = journey-map funnel paths drivers survival lift

OWN_GOALS = demo demo-airport play stop check bench pictures check-sql

ifneq ($(filter $(OWN_GOALS),$(MAKECMDGOALS)),)

# These set themselves up and work on a private copy of the server, so they
# come without PGXS, which may not be installed yet.

demo:
	@tools/setup
	@tools/private-server run examples/telecom/demo

demo-airport:
	@test -r "$(CSV)" || { echo "usage: make demo-airport CSV=path/to/sfo2017.csv"; exit 2; }
	@tools/setup
	@tools/private-server run examples/airport/demo < "$(CSV)"

play:
	@tools/setup
	@tools/private-server play

stop:
	@tools/private-server stop

check:
	@tools/setup --tests
	@tools/check $(CHECKS)

bench:
	@tools/setup
	@CX_SERVER_SETTINGS="$$(printf 'shared_buffers = 4GB\nmax_wal_size = 8GB\nfsync = on')" tools/private-server run test/bench/run $(BENCH)

pictures:
	@tools/setup
	@tools/private-server run examples/telecom/pictures
	@cp $(PICTURES:%=pictures/%.svg) docs/

# the joined script is committed; it must be what the fragments say
check-sql:
	@cat $(SQL) | cmp - $(JOINED) && echo "$(JOINED) is current"
	@grep -q '"version": "$(EXTVERSION).0"' META.json || { echo "META.json is not of version $(EXTVERSION).0"; exit 1; }

.PHONY: $(OWN_GOALS)

else

MODULE_big = cx
OBJS = src/cx.o $(MEASURE:%=src/measure/%.o) $(MEASURE_HELPERS:%=src/measure/%.o) \
	$(JOURNEY:%=src/journey/%.o) $(JOURNEY_HELPERS:%=src/journey/%.o) $(LIFE:%=src/program/%.o) $(PEOPLE:%=src/people/%.o) $(COLLECT:%=src/collect/%.o) $(WATCH:%=src/watch/%.o) $(WATCH_HELPERS:%=src/watch/%.o) $(RESOLVE:%=src/resolve/%.o) $(RESOLVE_HELPERS:%=src/resolve/%.o) $(PREDICT:%=src/predict/%.o) $(PREDICT_HELPERS:%=src/predict/%.o) $(PRESENT:%=src/present/%.o)
DATA = $(JOINED)
EXTRA_CLEAN = pictures $(COURIER_PROGRAM) $(COURIER_OBJS)
REGRESS = tally score estimate change mix weighted multiple bucket sample_size stage_score window_funnel funnel_counts sequence path time_in_state sessionize visits retention cohort funnel control_chart seasonal_chart program alert alert_security metric_alert outbox calendar ticket ticket_alert ticket_security ticket_views capture capture_security attach_ticket program_views behaviour_views access customers import invite forget journey_map behaviour_svg evaluation train train_hostile predictor predict risk drift evaluation_svg survival survival_svg moments drivers forest install
ISOLATION = capture_writers capture_fold capture_attach capture_snapshots capture_repair capture_references import_twice customers alert_writers ticket_escalate ticket_route ticket_task ticket_writers predict_champion
ISOLATION_OPTS = --inputdir=$(srcdir)/test --load-extension=cx

# the server's headers are not ours to warn about
PG_CPPFLAGS = -I$(srcdir)/src -isystem $(includedir_server) -DCX_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter

COURIER_PROGRAM = src/courier/cx-courier
COURIER_OBJS = $(COURIER:%=src/courier/%.o)
CURL_LIBS := $(shell curl-config --checkfor 7.87.0 >/dev/null 2>&1 && curl-config --libs)
CURL_CFLAGS := $(shell curl-config --cflags 2>/dev/null)

all: $(JOINED)

PG_CONFIG = pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS): $(wildcard src/*.h src/*/*.h)

# a forest is the same on every processor, so nothing is fused; loops may compare without trapping, so they run on vectors
$(FOREST:%=src/predict/%.o): override CFLAGS += -O3 -ffp-contract=off -fno-trapping-math
# loops over columns
src/predict/matrix.o src/predict/moments_update.o src/predict/design.o src/predict/profile.o src/predict/train_leak.o: override CFLAGS += -O3

ifneq ($(CURL_LIBS),)

all: $(COURIER_PROGRAM)
install: install-courier

endif

# the server's own flags for programs; nothing of this gets into the module
$(COURIER_OBJS): override CPPFLAGS += -I$(includedir) $(CURL_CFLAGS)
$(COURIER_OBJS): $(wildcard src/courier/*.h)

$(COURIER_PROGRAM): $(COURIER_OBJS)
	$(CC) $(CFLAGS) $^ $(LDFLAGS) $(LDFLAGS_EX) $(CURL_LIBS) $(libpq) -o $@

install-courier: $(COURIER_PROGRAM)
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) $(COURIER_PROGRAM) '$(DESTDIR)$(bindir)/'

uninstall: uninstall-courier

uninstall-courier:
	rm -f '$(DESTDIR)$(bindir)/$(notdir $(COURIER_PROGRAM))'

.PHONY: install-courier uninstall-courier

endif

# written only if it differs, for in a fresh clone its age says nothing
$(JOINED): $(SQL)
	@cat $^ | cmp -s - $@ || cat $^ > $@
