package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Arrays;
import java.util.List;

/**
 * How much larger than most of a layer's inputs others are, where some are far larger, as in tables whose columns are in
 * different units: the root mean square of an input's numbers, zeros aside, over the median of those of all inputs that are not
 * always 0 (the lower one of two); 1 for smaller inputs, and for all if the largest is at most sqrt(10) times the median.
 * <p>
 * A weight of such an input has to be so many times smaller than others. One size for all of them, in which the square of the
 * large input is most of the sum, would leave the others far too short a step.
 * <p>
 * Inputs that are far smaller than most are not made up for: in few examples an input may be small by chance, and many are 0
 * almost always. Nor are those of gates, which large inputs saturate whatever the step, and those of convolutions.
 */
final class InputSize {

    private static final Logger LOG = LoggerFactory.getLogger(StepSizeUpdater.class);

    /** Times the median, what is not far larger yet: see zoo-examples/experiments/24-columns.txt. */
    private static final double FAR_LARGER = Math.sqrt(10);
    /** Beyond the largest that is known to do hardly any harm: see zoo-examples/experiments/28-columns-again.txt. */
    private static final double WORTH_A_WARNING = 10 * FAR_LARGER;

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
        if (input == null || input.rank() > 3) {
            return null;
        }
        int features = FanIn.features(input, weights.size(0));
        // In sequences as long as a step has features it is not known which is which.
        boolean isAmbiguous = input.rank() == 3 && input.size(1) == input.size(2);
        if (input.size(features) != weights.size(0) || isAmbiguous) {
            return null;
        }
        INDArray numbers = FanIn.inFloatingPoint(input);
        INDArray isOn = numbers.neq(0).castTo(numbers.dataType());
        double[] sizes = TargetSize.rootMeanSquares(numbers, isOn, features).toDoubleVector();
        double[] sorted = Arrays.stream(sizes).filter(size -> size > 0).sorted().toArray();
        if (sorted.length == 0) {
            return null;
        }
        double median = sorted[(sorted.length - 1) / 2];
        if (sorted[sorted.length - 1] <= FAR_LARGER * median) {
            return null;
        }
        double[] factors = Arrays.stream(sizes).map(size -> Math.max(1, size / median)).toArray();
        return Nd4j.createFromArray(factors).castTo(weights.dataType());
    }

    /**
     * The root mean square of what the network's first layers read, the largest of several, where some inputs are far larger
     * than most and hidden units are as large as they are: where the activation lets large numbers through, and no normalization
     * follows.
     *
     * @return at least 1, and 1 for other layers
     */
    static double ofLargeUnits(List<ParamState> variables, ForwardPass pass) {
        double largest = 1;
        for (ParamState variable : variables) {
            Trainable layer = variable.getLayer();
            boolean isAsLarge = pass.outputOf(layer) < 0 && LinearUnits.letThrough(layer)
                    && !Normalization.followsActivationOf(layer, pass);
            if (isAsLarge && of(layer, variable.getParamName(), pass) != null) {
                INDArray input = FanIn.networkInput(layer, variable.getParamName(), pass);
                double norm = FanIn.inFloatingPoint(input).norm2Number().doubleValue();
                largest = Math.max(largest, norm / Math.sqrt(input.length()));
            }
        }
        return largest;
    }

    /** Tells of a factor so large that shorter steps may not be enough. */
    static void warnOf(double factor) {
        if (factor > WORTH_A_WARNING) {
            LOG.warn("the network's inputs are of very different sizes: the largest is {} times as large as most. The steps of"
                    + " its weights are made shorter, but with rectifiers, or if there are many such inputs, that is not enough:"
                    + " standardize the features, for example with NormalizerStandardize, or begin the network with a"
                    + " BatchNormalization", Math.round(factor));
        }
    }
}
