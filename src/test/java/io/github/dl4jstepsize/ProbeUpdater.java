package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Scalars;
import io.github.dl4jstepsize.rule.Step;
import io.github.dl4jstepsize.rule.StepRule;
import io.github.dl4jstepsize.rule.TrainingBatch;
import org.nd4j.linalg.learning.config.IUpdater;

import java.util.function.Function;

/** A step size updater whose rule is a test's own function. */
class ProbeUpdater extends StepSizeUpdater {

    private static final long serialVersionUID = 1;

    private final transient Function<TrainingBatch, Step> function;
    private final transient Objective objective;
    private final transient IUpdater base;

    ProbeUpdater(Function<TrainingBatch, Step> function) {
        this(function, Objective.LOSS, null, false);
    }

    ProbeUpdater(Function<TrainingBatch, Step> function, boolean averaging) {
        this(function, Objective.LOSS, null, averaging);
    }

    ProbeUpdater(Function<TrainingBatch, Step> function, IUpdater base) {
        this(function, Objective.LOSS, base, false);
    }

    ProbeUpdater(Function<TrainingBatch, Step> function, Objective objective) {
        this(function, objective, null, false);
    }

    private ProbeUpdater(Function<TrainingBatch, Step> function, Objective objective, IUpdater base, boolean averaging) {
        super(new Properties().averaging(averaging));
        this.function = function;
        this.objective = objective;
        this.base = base;
    }

    @Override
    Objective objective() {
        return objective;
    }

    @Override
    IUpdater base() {
        return base == null ? super.base() : base;
    }

    /** What its rule tells. */
    boolean asksForIgnorance() {
        return false;
    }

    @Override
    StepRule newRule() {
        return new StepRule() {
            /** Something to save and to roll back. */
            private int steps;

            @Override
            public Step step(TrainingBatch batch) {
                steps++;
                return function.apply(batch);
            }

            @Override
            public boolean asksForIgnorance(int examples) {
                return ProbeUpdater.this.asksForIgnorance();
            }

            @Override
            public void state(Scalars scalars) {
                steps = scalars.next(steps);
            }

            @Override
            public int memoryVectors() {
                return 1;
            }
        };
    }

    /** The shared properties at their defaults. */
    static final class Properties extends Builder<Properties> {
        @Override
        public StepSizeUpdater build() {
            throw new UnsupportedOperationException();
        }
    }
}
