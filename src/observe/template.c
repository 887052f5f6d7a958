#include "observe/template.h"

#include <math.h>

/* Make it yours in the three places marked 1, 2 and 3, then run test_template: it plants exits from
 * the corridor and names each badge that is missed or that nothing stands for. */

/* 1. What leaves the corridor? The name that stands on the badge. */
const enum context own_context = CONTEXT_MESSAGE_DELAY_EXCEEDED;

static void leave(struct own_observation *own, struct own_stream *stream,
                  const struct boundary_event *event);
static void come_back(struct own_observation *own, struct own_stream *stream,
                      const struct boundary_event *event);

void own_report(void *self, const struct boundary_event *event)
{
    struct own_observation *own = self;
    struct own_stream *stream = &own->streams[event->peer];

    /* 2. Which events tell of it? What was sent after the window is not observed. */
    if (event->measure != MEASURE_DELAY_S || event->phase == PHASE_AFTER)
        return;

    /* 3. When is the stream outside? */
    bool beyond = event->value > own->limit;

    if (beyond && !stream->is_outside)
        leave(own, stream, event);
    else if (!beyond && stream->is_outside)
        come_back(own, stream, event);
    else if (beyond)
        stream->peak = fmax(stream->peak, event->value);
    stream->is_outside = beyond;
}

/* The rest rarely changes. */

/* A badge at the first observation outside; none for what left in the warm-up. */
static void leave(struct own_observation *own, struct own_stream *stream,
                  const struct boundary_event *event)
{
    struct badge badge = {
        .time_s = local_elapsed_s(own->begin, event->at),
        .end_s = (double)NAN,
        .observed = event->value,
        .limit = own->limit,
        .peak = event->value,
        .version_known = event->version_known,
        .version_received = event->version_received,
        .sequence = event->sequence,
        .node = own->node,
        .peer = event->peer,
        .key = -1,
        .context = (uint16_t)own_context,
        .boundary = (uint16_t)context_table[own_context].boundary,
        .class = (uint16_t)context_table[own_context].class,
    };
    stream->peak = event->value;
    stream->has_badge = event->phase == PHASE_WINDOW;
    if (!stream->has_badge)
        return;
    stream->number = own->badges++;
    own->sink.episode_opened(own->sink.self, stream->number, &badge);
}

static void come_back(struct own_observation *own, struct own_stream *stream,
                      const struct boundary_event *event)
{
    struct badge_end end = {local_elapsed_s(own->begin, event->at), stream->peak};
    if (stream->has_badge)
        own->sink.episode_closed(own->sink.self, stream->number, &end);
}
