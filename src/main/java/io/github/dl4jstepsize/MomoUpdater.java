package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Momo;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.linalg.learning.AdamUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

/**
 * MoMo and MoMo-Adam, momentum models: momentum or Adam with a learning rate that is cut where the losses of the last
 * batches say that the loss would otherwise fall below its lower bound. The formulas, the source and the departures from
 * the published code are at {@link Momo}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new MomoUpdater())
 *   new NeuralNetConfiguration.Builder().updater(MomoUpdater.builder().direction(MomoUpdater.Direction.MOMENTUM).build())
 * }</pre>
 * No extra pass; the memory of one parameter vector for MOMENTUM, of two for ADAM, as with DL4J's Nesterovs and Adam.
 * The loss must not be below lowerBound.
 */
@JsonDeserialize(builder = MomoUpdater.Builder.class)
public final class MomoUpdater extends AdamDirectionUpdater {

    /** What the update direction is made of. */
    public enum Direction {
        /** MoMo: the averaged gradient. */
        MOMENTUM(1),
        /** MoMo-Adam: the averaged gradient by the root of the averaged squared gradient. */
        ADAM(1e-2);

        /** The published code's learning rate. */
        private final double maxStep;

        Direction(double maxStep) {
            this.maxStep = maxStep;
        }
    }

    private static final long serialVersionUID = 1;

    private final Direction direction;
    private final double maxStep;
    private final double lowerBound;

    /** The recommended settings: MoMo-Adam with the published defaults. */
    public MomoUpdater() {
        this(builder());
    }

    private MomoUpdater(Builder builder) {
        super(builder);
        direction = Check.given("direction", builder.direction);
        maxStep = Check.positive("maxStep", builder.maxStep == null ? direction.maxStep : builder.maxStep);
        lowerBound = builder.lowerBound;
        if (!Double.isFinite(lowerBound)) {
            throw Check.out("lowerBound", lowerBound, "finite");
        }
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published code's settings, of MoMo-Adam; for MoMo set the direction. */
    public static Builder published() {
        return new Builder().direction(Direction.ADAM).beta1(0.9).beta2(0.999).epsilon(1e-8).lowerBound(0);
    }

    public Direction getDirection() {
        return direction;
    }

    public double getMaxStep() {
        return maxStep;
    }

    public double getLowerBound() {
        return lowerBound;
    }

    @Override
    StepRule newRule() {
        Momo.Settings settings = new Momo.Settings();
        settings.adam = direction == Direction.ADAM;
        settings.maxStep = maxStep;
        settings.beta1 = getBeta1();
        settings.lowerBound = lowerBound;
        return new Momo(settings);
    }

    @Override
    IUpdater base() {
        return direction == Direction.MOMENTUM ? new NoOp() : super.base();
    }

    @Override
    String averagedGradient() {
        return direction == Direction.MOMENTUM ? super.averagedGradient() : AdamUpdater.M_STATE;
    }

    /** Builds a {@link MomoUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends AdamDirectionUpdater.Builder<Builder> {

        private Direction direction = Direction.ADAM;
        /** Null: the direction's. */
        private Double maxStep;
        private double lowerBound;

        private Builder() {
        }

        /** What the update direction is made of: momentum or Adam. */
        public Builder direction(Direction direction) {
            this.direction = direction;
            return this;
        }

        /**
         * The learning rate where the losses do not ask for a smaller one; greater than 0. 1e-2 for ADAM, 1 for
         * MOMENTUM.
         */
        public Builder maxStep(double maxStep) {
            this.maxStep = maxStep;
            return this;
        }

        /** What the loss, regularisation included, cannot fall below; finite. */
        public Builder lowerBound(double lowerBound) {
            this.lowerBound = lowerBound;
            return this;
        }

        @Override
        public MomoUpdater build() {
            return new MomoUpdater(this);
        }
    }
}
