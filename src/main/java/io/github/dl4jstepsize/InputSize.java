package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Which of a layer's inputs are far larger than most of them, as in tables whose columns are in different units, and by what
 * factor: the root mean square of an input's numbers, zeros aside, over sqrt(10) times the median of those of all inputs that are
 * not always 0 (the lower one of two); 1 for inputs that are not as large as that.
 * <p>
 * A weight of such an input has to be so many times smaller than others. One size for all of them, in which the square of the
 * large input is most of the sum, would leave the others far too short a step.
 * <p>
 * Inputs that are far smaller than most are not made up for: in few examples an input may be small by chance, and many are 0
 * almost always. Nor are those of gates, which large inputs saturate whatever the step, and those of convolutions.
 */
final class InputSize {

    private static final Logger LOG = LoggerFactory.getLogger(StepSizeUpdater.class);

    /** Mean square, of the median's, that is not far larger yet: see zoo-examples/experiments/24-columns.txt. */
    private static final double USUAL = 10;
    /** A factor beyond the largest that is known to do no harm, 30/sqrt(10): see the same. */
    private static final double WORTH_A_WARNING = 10;

    private InputSize() {
    }

    /**
     * @param layer that may read an input of the network
     * @param name  of its parameters
     * @return a number for each row of the parameters, 1 or greater; null if all are 1, or if the rows are no weights of inputs
     *         of the network
     */
    static INDArray of(Trainable layer, String name, ForwardPass pass) {
        INDArray weights = layer.paramTable(false).get(name);
        // Other names are those of weights that read a layer's own units.
        boolean sumsUp = name.equals(DefaultParamInitializer.WEIGHT_KEY) && weights.rank() == 2
                && !FanIn.isGated(layer) && !FanIn.isLookUp(layer);
        INDArray input = sumsUp ? FanIn.networkInput(layer, name, pass) : null;
        int features = input == null ? -1 : features(input, weights.size(0));
        if (features < 0) {
            return null;
        }
        double[] squares = meanSquares(FanIn.inFloatingPoint(input), features);
        double[] sorted = Arrays.stream(squares).filter(square -> square > 0).sorted().toArray();
        double usual = sorted.length == 0 ? Double.NaN : USUAL * sorted[(sorted.length - 1) / 2];
        if (Arrays.stream(squares).noneMatch(square -> square > usual)) {
            return null;
        }
        double[] factors = Arrays.stream(squares).map(square -> Math.sqrt(Math.max(1, square / usual))).toArray();
        return Nd4j.createFromArray(factors).castTo(weights.dataType());
    }

    /** The dimension of rows or sequences that is as long as there are features; -1 if there is none, or more than one. */
    private static int features(INDArray input, long count) {
        int[] candidates = IntStream.range(1, input.rank()).filter(dimension -> input.size(dimension) == count).toArray();
        return candidates.length == 1 && input.rank() <= 3 ? candidates[0] : -1;
    }

    /** Of what is not 0; 0 where everything is. */
    private static double[] meanSquares(INDArray input, int features) {
        int[] others = IntStream.range(0, input.rank()).filter(dimension -> dimension != features).toArray();
        double[] norms = input.norm2(others).toDoubleVector();
        double[] counts = input.neq(0).castTo(input.dataType()).sum(others).toDoubleVector();
        return IntStream.range(0, norms.length).mapToDouble(j -> norms[j] * norms[j] / Math.max(1, counts[j])).toArray();
    }

    /** Tells of a factor so large that shorter steps may not be enough. */
    static void warnOf(double factor) {
        if (factor > WORTH_A_WARNING) {
            LOG.warn("the network's inputs are of very different sizes: the largest is {} times as large as most. The steps of"
                    + " its weights are made shorter, but with rectifiers, or if there are many such inputs, that is not enough:"
                    + " standardize the features, for example with NormalizerStandardize, or begin the network with a"
                    + " BatchNormalization", Math.round(factor * Math.sqrt(USUAL)));
        }
    }
}
