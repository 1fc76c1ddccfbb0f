package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.LabPal;
import io.github.dl4jstepsize.rule.StepRule;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;
import org.nd4j.shade.jackson.databind.annotation.JsonPOJOBuilder;

import java.util.Map;
import java.util.TreeMap;

/**
 * LABPAL, large-batch parabolic approximation line search: now and then a parabola is measured over many batches, and
 * the step to (or beyond) its minimum is used for the updates that follow. The formulas, the source and the departures
 * from the published code are at {@link LabPal}.
 * <pre>{@code
 *   new NeuralNetConfiguration.Builder().updater(new LabPalUpdater())
 *   new NeuralNetConfiguration.Builder().updater(LabPalUpdater.builder().mode(LabPalUpdater.Mode.SGD).build())
 * }</pre>
 * The recommended settings differ from the published ones where the latter are made for 150,000 iterations: a search
 * every 200 updates instead of 1000, the second after 50 instead of 400. They step to the minimum (alpha = 1), not beyond
 * it: on the true minimum, alpha = 1.8 is as good on an MLP and worse on a network with BatchNorm.
 * <p>
 * Batches that are measured do not move the parameters. Costs one extra forward pass for each of them, and the memory of
 * one parameter vector (two with momentum) and of one for the search.
 */
@JsonDeserialize(builder = LabPalUpdater.Builder.class)
public final class LabPalUpdater extends StepSizeUpdater {

    /** Which step is kept between searches. */
    public enum Mode {
        /** LABPAL&amp;SGD: the factor on the gradient. */
        SGD,
        /** LABPAL&amp;NSGD: the length of the update, whatever the gradient's. */
        NSGD
    }

    /** How the parabola is measured. */
    public enum Measurement {
        /** Slope from the gradients that the training loop computes anyway, curvature from one more loss. */
        GRADIENT,
        /**
         * The authors' arithmetic: two more losses, differentiated twice; the step is twice as long. With several batches
         * per update a search keeps the first ones until it knows its direction. They are not saved with the network: a
         * search that was among them begins anew.
         */
        PUBLISHED
    }

    private static final long serialVersionUID = 1;

    /** Bounds the updater state, which holds two numbers per averaged measurement. */
    private static final int MAX_AVERAGED = 1000;

    private final Mode mode;
    private final double stepAdaptation;
    private final double momentum;
    private final int searchEvery;
    private final int approximationBatches;
    private final TreeMap<Integer, Integer> batchSchedule;
    private final int untrustedUpdates;
    private final int averagedMeasurements;
    private final double measuringStep;
    private final double maxStep;
    private final int trainingSetSize;
    private final Measurement measurement;

    /** The recommended settings. */
    public LabPalUpdater() {
        this(builder());
    }

    private LabPalUpdater(Builder builder) {
        super(builder);
        mode = Check.given("mode", builder.mode);
        stepAdaptation = Check.positive("stepAdaptation", builder.stepAdaptation);
        momentum = Check.fraction("momentum", builder.momentum);
        searchEvery = Check.between("searchEvery", builder.searchEvery, 1, Integer.MAX_VALUE);
        approximationBatches = Check.between("approximationBatches", builder.approximationBatches, 1, Integer.MAX_VALUE);
        Check.given("batchSchedule", builder.batchSchedule).keySet()
                .forEach(iteration -> Check.given("batchSchedule's fit iteration", iteration));
        batchSchedule = new TreeMap<>(builder.batchSchedule);
        if (!batchSchedule.containsKey(0)) {
            throw Check.out("batchSchedule", batchSchedule, "a map with an entry for fit iteration 0");
        }
        batchSchedule.forEach((iteration, batches) -> {
            Check.between("batchSchedule's fit iteration", iteration, 0, Integer.MAX_VALUE);
            Check.between("batchSchedule's batches per update", Check.given("batchSchedule's batches per update", batches),
                    1, Integer.MAX_VALUE);
        });
        untrustedUpdates = Check.between("untrustedUpdates", builder.untrustedUpdates, 0, Integer.MAX_VALUE);
        averagedMeasurements = Check.between("averagedMeasurements", builder.averagedMeasurements, 1, MAX_AVERAGED);
        measuringStep = Check.positive("measuringStep", builder.measuringStep);
        maxStep = Check.positive("maxStep", builder.maxStep);
        trainingSetSize = Check.between("trainingSetSize", builder.trainingSetSize, 0, Integer.MAX_VALUE);
        measurement = Check.given("measurement", builder.measurement);
    }

    /** A builder with the recommended settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder with the published code's settings and arithmetic. */
    public static Builder published() {
        return new Builder().mode(Mode.SGD).stepAdaptation(1.8).momentum(0).searchEvery(1000).approximationBatches(10)
                .batchSchedule(Map.of(0, 1, 75000, 2, 112500, 4)).untrustedUpdates(400).averagedMeasurements(25)
                .measuringStep(0.01).maxStep(1).measurement(Measurement.PUBLISHED);
    }

    public Mode getMode() {
        return mode;
    }

    public double getStepAdaptation() {
        return stepAdaptation;
    }

    public double getMomentum() {
        return momentum;
    }

    public int getSearchEvery() {
        return searchEvery;
    }

    public int getApproximationBatches() {
        return approximationBatches;
    }

    public Map<Integer, Integer> getBatchSchedule() {
        return new TreeMap<>(batchSchedule);
    }

    public int getUntrustedUpdates() {
        return untrustedUpdates;
    }

    public int getAveragedMeasurements() {
        return averagedMeasurements;
    }

    public double getMeasuringStep() {
        return measuringStep;
    }

    public double getMaxStep() {
        return maxStep;
    }

    public int getTrainingSetSize() {
        return trainingSetSize;
    }

    public Measurement getMeasurement() {
        return measurement;
    }

    @Override
    StepRule newRule() {
        LabPal.Settings settings = new LabPal.Settings();
        settings.normalized = mode == Mode.NSGD;
        settings.published = measurement == Measurement.PUBLISHED;
        settings.stepAdaptation = stepAdaptation;
        settings.momentum = momentum;
        settings.searchEvery = searchEvery;
        settings.approximationBatches = approximationBatches;
        settings.batchSchedule = batchSchedule;
        settings.untrustedUpdates = untrustedUpdates;
        settings.averagedMeasurements = averagedMeasurements;
        settings.measuringStep = measuringStep;
        settings.maxStep = maxStep;
        settings.trainingSetSize = trainingSetSize;
        return new LabPal(settings);
    }

    /** Builds a {@link LabPalUpdater}; every property has its recommended value until it is set. */
    @JsonPOJOBuilder(withPrefix = "")
    public static final class Builder extends StepSizeUpdater.Builder<Builder> {

        private Mode mode = Mode.NSGD;
        private double stepAdaptation = 1;
        private double momentum;
        private int searchEvery = 200;
        private int approximationBatches = 10;
        private Map<Integer, Integer> batchSchedule = Map.of(0, 1, 75000, 2, 112500, 4);
        private int untrustedUpdates = 50;
        private int averagedMeasurements = 25;
        private double measuringStep = 0.1;
        private double maxStep = 1;
        private int trainingSetSize;
        private Measurement measurement = Measurement.GRADIENT;

        private Builder() {
        }

        /** What is kept between searches: the learning rate (SGD) or the length of the update (NSGD). */
        public Builder mode(Mode mode) {
            this.mode = mode;
            return this;
        }

        /** Factor alpha on the distance to the minimum; greater than 0. From 2 on the loss rises along the line. */
        public Builder stepAdaptation(double stepAdaptation) {
            this.stepAdaptation = stepAdaptation;
            return this;
        }

        /** Heavy-ball momentum of the direction; 0 or greater and less than 1. */
        public Builder momentum(double momentum) {
            this.momentum = momentum;
            return this;
        }

        /** Weight updates from one search to the next; 1 or greater. */
        public Builder searchEvery(int weightUpdates) {
            this.searchEvery = weightUpdates;
            return this;
        }

        /** Batches (more precisely: groups of batches per update) that a search measures; 1 or greater. */
        public Builder approximationBatches(int approximationBatches) {
            this.approximationBatches = approximationBatches;
            return this;
        }

        /**
         * From fit iteration to batches per weight update, before the noise factor 128/batch size * training set
         * size/40000; needs an entry for iteration 0.
         */
        public Builder batchSchedule(Map<Integer, Integer> batchSchedule) {
            this.batchSchedule = batchSchedule;
            return this;
        }

        /**
         * Updates after which a new search is made and measurements begin to be averaged; 0 or greater. Counted from -1, as in
         * the published code.
         */
        public Builder untrustedUpdates(int untrustedUpdates) {
            this.untrustedUpdates = untrustedUpdates;
            return this;
        }

        /** Number of measurements in the average; 1 to 1000. */
        public Builder averagedMeasurements(int averagedMeasurements) {
            this.averagedMeasurements = averagedMeasurements;
            return this;
        }

        /** Distance mu of the farthest measurement along the unit direction; greater than 0. */
        public Builder measuringStep(double measuringStep) {
            this.measuringStep = measuringStep;
            return this;
        }

        /** Longest step along the unit direction; greater than 0. */
        public Builder maxStep(double maxStep) {
            this.maxStep = maxStep;
            return this;
        }

        /**
         * Examples in the training set; 0 to have them counted in the first epoch. In truncated backpropagation through time
         * each segment of a sequence is counted; for as few batches per update as with whole sequences give their number.
         */
        public Builder trainingSetSize(int examples) {
            this.trainingSetSize = examples;
            return this;
        }

        /** How the parabola is measured. */
        public Builder measurement(Measurement measurement) {
            this.measurement = measurement;
            return this;
        }

        @Override
        public LabPalUpdater build() {
            return new LabPalUpdater(this);
        }
    }
}
