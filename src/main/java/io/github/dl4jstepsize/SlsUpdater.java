package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Sls;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * SLS, stochastic line search: on every batch, the step along the direction of any base updater is shortened until
 * the loss has decreased enough (Armijo, Goldstein). The formulas, the source and the departures from the published
 * code are at {@link Sls}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new SlsUpdater())
 *   new NeuralNetConfiguration.Builder().updater(SlsUpdater.builder().base(new Adam()).build())
 * }</pre>
 * Costs one extra forward pass per trial, little more than one per iteration; the memory of one parameter vector for
 * the search, and with a base other than Sgd one for the gradient; that base is applied twice in every iteration.
 * <p>
 * The recommended settings differ from the published ones (c 0.1, backtrack 0.9, growth 2) so that the step neither
 * overshoots nor freezes: c 0.5, because with 0.1 steps of 1.8 times the distance to a parabola's minimum are
 * accepted, and the last iterates scatter; growth 1000 in an epoch, because a step that one odd batch has cut to a
 * hundredth should be back after a fraction of an epoch, not after seven; backtrack 0.5, because growing faster than
 * one backtracking takes away would cost a second trial per batch.
 */
@JsonDeserialize(builder = SlsUpdater.Builder.class)
public final class SlsUpdater extends BacktrackingUpdater {

    /** What makes a step acceptable. */
    public enum Condition {
        /** The loss has decreased enough: the step is not too long. */
        ARMIJO,
        /**
         * The loss has decreased enough, and not so much that a longer step would do: neither too long nor too short.
         */
        GOLDSTEIN
    }

    /** With which step a search begins. */
    public enum Reset {
        /** The last one. */
        KEEP,
        /** The last one, a little longer: {@code growth} times in an epoch. */
        GROW,
        /** The initial one. */
        RESTART
    }

    private static final long serialVersionUID = 1;
    private static final int MAX_TRIALS = 20;

    private final IUpdater base;
    private final Condition condition;
    private final double c;
    private final double goldsteinGrowth;
    private final Reset reset;

    /** The recommended settings. */
    public SlsUpdater() {
        this(builder());
    }

    private SlsUpdater(Builder builder) {
        super(builder);
        base = direction(Check.given("base", builder.base));
        condition = Check.given("condition", builder.condition);
        c = Check.properFraction("c", builder.c != null ? builder.c : recommendedC(condition));
        goldsteinGrowth = Check.atLeastOne("goldsteinGrowth", builder.goldsteinGrowth);
        reset = Check.given("reset", builder.reset);
        if (condition == Condition.GOLDSTEIN && c >= 0.5) {
            throw Check.out("c", c, "less than 0.5 with condition GOLDSTEIN, whose two bounds exclude each other"
                    + " otherwise");
        }
    }

    /** On a parabola: at most the distance to its minimum; between half and one and a half times that distance. */
    private static double recommendedC(Condition condition) {
        return condition == Condition.ARMIJO ? 0.5 : 0.25;
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published code's settings and behaviour, along the gradient. */
    public static Builder published() {
        return new Builder().base(new Sgd()).condition(Condition.ARMIJO).initialStep(1).c(0.1).backtrack(0.9).growth(2)
                .goldsteinGrowth(2).maxStep(10).reset(Reset.GROW).batchesPerEpoch(500).maxTrials(100).asPublished(true);
    }

    public IUpdater getBase() {
        return base.clone();
    }

    public Condition getCondition() {
        return condition;
    }

    public double getC() {
        return c;
    }

    public double getGoldsteinGrowth() {
        return goldsteinGrowth;
    }

    public Reset getReset() {
        return reset;
    }

    /** Plain gradient descent with learning rate 1 leaves the gradient as it is. */
    @Override
    IUpdater base() {
        return base instanceof Sgd ? new NoOp() : base;
    }

    @Override
    boolean keepsGradient() {
        return !(base() instanceof NoOp);
    }

    @Override
    StepRule newRule() {
        Sls.Settings settings = new Sls.Settings();
        settings.goldstein = condition == Condition.GOLDSTEIN;
        settings.initialStep = getInitialStep();
        settings.c = c;
        settings.backtrack = getBacktrack();
        settings.growth = getGrowth();
        settings.goldsteinGrowth = goldsteinGrowth;
        settings.maxStep = getMaxStep();
        settings.reset = Sls.Reset.valueOf(reset.name());
        settings.batchesPerEpoch = getBatchesPerEpoch();
        settings.maxTrials = getMaxTrials();
        settings.asPublished = isAsPublished();
        return new Sls(settings);
    }

    /** The base with learning rate 1, which is what it is used with. */
    private static IUpdater direction(IUpdater base) {
        if (base instanceof StepSizeUpdater) {
            throw Check.out("base", base, "an updater with a learning rate, e.g. Sgd or Adam");
        }
        IUpdater direction = base.clone();
        if (direction.hasLearningRate()) {
            direction.setLrAndSchedule(1.0, null);
        }
        return direction;
    }

    /** Builds a {@link SlsUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends BacktrackingUpdater.Builder<Builder> {

        private IUpdater base = new Sgd();
        private Condition condition = Condition.ARMIJO;
        private Double c;
        private double goldsteinGrowth = 2;
        private Reset reset = Reset.GROW;

        private Builder() {
            super(MAX_TRIALS);
        }

        /** The updater that turns the gradient into the direction; its learning rate does not matter. */
        public Builder base(IUpdater base) {
            this.base = base;
            return this;
        }

        /** What makes a step acceptable. */
        public Builder condition(Condition condition) {
            this.condition = condition;
            return this;
        }

        /**
         * Share of the decrease that a straight line would have which a step has to reach; greater than 0 and less
         * than 1, below 0.5 for GOLDSTEIN. Unless given, 0.5 for ARMIJO and 0.25 for GOLDSTEIN.
         */
        public Builder c(double c) {
            this.c = c;
            return this;
        }

        /** Factor on a step that is too short, for GOLDSTEIN; 1 or greater. */
        public Builder goldsteinGrowth(double goldsteinGrowth) {
            this.goldsteinGrowth = goldsteinGrowth;
            return this;
        }

        /** With which step a search begins. */
        public Builder reset(Reset reset) {
            this.reset = reset;
            return this;
        }

        @Override
        public SlsUpdater build() {
            return new SlsUpdater(this);
        }
    }
}
