package io.github.dl4jstepsize.rule;

/**
 * GOLS-I, inexact gradient-only line search: looks along each line for the step at which the directional derivative
 * changes its sign from negative to positive, with a new batch for every evaluation.
 * <pre>
 *   new line     d = momentum * d + g,  s in [s_min, min(s_max, 1/|d|)],  F'(s) = -g(parameters - s d).d
 *   first point  F'(s) &gt; 0: shrink     F'(s) &lt; 0: grow     0 &lt;= F'(s) &lt;= c2 |F'(0)|: take it
 *   shrink       s = s/eta  until F'(s) &lt;= overshoot |F'(0)| or s/eta &lt; s_min
 *   grow         s = s*eta  until F'(s) &gt;= 0 or s*eta &gt; s_max
 * </pre>
 * With an overshoot of 0, as in the paper, the step then is within a factor eta of the sign change. It is where the next
 * line's first point starts from.
 * <p>
 * The sign is that of one batch, and a line that others do not go down at all is shrunk until one does by chance: to a
 * thousandth, with which the next lines have to begin. Nor is the sign change the best place in the long run, see
 * {@link Pal}. So shrinking may end, as a first point may be taken, where the loss rises gently. A batch whose gradient is 0
 * ends no line: the next one looks at the same place.
 * <p>
 * The parameters walk along with the search: every training iteration's own gradient is the next evaluation, so there is
 * no extra pass. The gradient at the point that ends a search starts the next line in the same iteration. One memory
 * vector for d.
 * <p>
 * Source: D. Kafka, D. N. Wilke, "Resolving learning rates adaptively by locating stochastic non-negative associated
 * gradient projection points using line searches", 2020, algorithm GOLS-I; momentum from the published port. That port
 * has the sign of F' inverted and shrinks its step to s_min; it is not followed. Departures from the paper: the overshoot;
 * the directional derivative at 0 is the accepted point's own, without another evaluation; the memory of d is dropped
 * where it makes d ascend.
 */
public final class Gols implements StepRule {

    /** The settings of {@link Gols}; fields as the updater's properties of the same names. */
    public static final class Settings {
        public double initialStep;
        /** s_min. */
        public double minStep;
        /** s_max. */
        public double maxStep;
        /** eta. */
        public double growth;
        public double c2;
        public double overshoot;
        public double momentum;
    }

    private final Settings settings;

    private double step;
    /** Longest step on the current line. */
    private double limit;
    /** F'(0) of the current line. */
    private double slope;
    private Phase phase = Phase.NO_LINE;

    private enum Phase {NO_LINE, FIRST_POINT, SHRINKING, GROWING}

    /** @param settings validated by the caller and not changed afterwards */
    public Gols(Settings settings) {
        this.settings = settings;
        step = settings.initialStep;
    }

    @Override
    public boolean looksAhead() {
        return false;
    }

    @Override
    public boolean readsSlope() {
        return true;
    }

    @Override
    public Step step(TrainingBatch batch) {
        if (phase == Phase.NO_LINE) {
            return startLine(batch);
        }
        Vector line = batch.memory(0);
        double slopeHere = -batch.gradient().dot(line);
        if (!Double.isFinite(slopeHere)) {
            return Step.searched(0, step, Outcome.NOT_FINITE);
        }
        double here = step;
        if (phase == Phase.FIRST_POINT) {
            if (slopeHere >= 0 && slopeHere <= settings.c2 * Math.abs(slope)) {
                return startLine(batch);
            }
            phase = slopeHere < 0 ? Phase.GROWING : Phase.SHRINKING;
        } else if (phase == Phase.GROWING ? slopeHere >= 0 : slopeHere <= settings.overshoot * Math.abs(slope)) {
            return startLine(batch);
        }
        double next = phase == Phase.GROWING ? here * settings.growth : here / settings.growth;
        if (next > limit || next < settings.minStep) {
            return startLine(batch);
        }
        step = next;
        batch.direction().assign(line);
        return Step.searched(step, step, Outcome.WALKED).moving(step - here);
    }

    @Override
    public boolean decaysByItself() {
        return true;
    }

    /** Ends the line at the parameters' place and moves to the first point of the next one. */
    private Step startLine(TrainingBatch batch) {
        Vector direction = batch.direction();
        double retreat = phase == Phase.NO_LINE ? 0 : (1 - batch.decay()) * step;
        double gg = direction.dot(direction);
        if (gg == 0) {
            // A line of this batch would have no length, and no next one would follow. The next batch looks at the same place.
            return Step.searched(0, step, Outcome.NO_DESCENT);
        }
        double gd = gg;
        if (settings.momentum != 0) {
            double product = settings.momentum * direction.dot(batch.memory(0));
            if (gg + product > 0) {
                gd = gg + product;
                direction.add(settings.momentum, batch.memory(0));
            }
        }
        double norm = direction.norm();
        if (!Double.isFinite(norm)) {
            return Step.searched(0, step, Outcome.NOT_FINITE);
        }
        boolean first = phase == Phase.NO_LINE;
        slope = -gd;
        limit = Math.min(settings.maxStep, 1 / norm);
        step = Math.max(Math.min(step, limit), settings.minStep);
        phase = Phase.FIRST_POINT;
        if (retreat > 0) {
            direction.add(-retreat / step, batch.memory(0));
            batch.memory(0).scale(retreat / step);
            batch.memory(0).add(1, direction);
        } else {
            batch.memory(0).assign(direction);
        }
        return Step.searched(step, step, first ? Outcome.WALKED : Outcome.NEXT_LINE);
    }

    @Override
    public void state(Scalars scalars) {
        step = scalars.next(step);
        limit = scalars.next(limit);
        slope = scalars.next(slope);
        phase = Phase.values()[scalars.next(phase.ordinal())];
    }

    @Override
    public int memoryVectors() {
        return 1;
    }
}
