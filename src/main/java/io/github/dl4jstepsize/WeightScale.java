package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Broadcast;

import java.util.List;

/**
 * The size of a layer's weights, s/sqrt(3 n) in the formulas of {@link io.github.dl4jstepsize.rule.Fan}: the standard
 * deviation of weights drawn uniformly from [-1/sqrt(n), 1/sqrt(n)]. What n is made of is in {@link FanIn}, {@link InputSize},
 * {@link Depth} and, before normalizations, here; s is in {@link TargetSize}.
 */
final class WeightScale {

    /**
     * Weights of mean square 2/fan_in (K. He et al., "Delving deep into rectifiers", 2015) are so many times as large as 1/sqrt(3
     * fan_in).
     */
    private static final double HE = Math.sqrt(6);
    /**
     * Of 1/sqrt(3 fan_in): where weights are almost 0, the small number that a normalization adds to the variance is not small.
     */
    private static final double SMALLEST_OWN = 0.1;

    /** Layers between the first and the last that do not shorten their steps: see zoo-examples/experiments/20-depth.txt. */
    private static final double SHALLOW = 4;

    private WeightScale() {
    }

    /**
     * @param variables  whose scale is wanted, layer by layer
     * @param parameters the network's flat parameters
     * @param pass       tells what each layer reads
     * @return the scale of every parameter; 1 for those of other variables
     */
    static INDArray of(List<ParamState> variables, INDArray parameters, ForwardPass pass) {
        INDArray scales = parameters.ulike().assign(1);
        double shortening = SHALLOW / Math.max(SHALLOW, Depth.of(variables, pass) - 2);
        // Without any weights the scale is 1.
        double fanInOfBiases = 1.0 / 3;
        double largestInput = 1;
        for (ParamState variable : variables) {
            Trainable layer = variable.getLayer();
            // A layer's biases may come before its weights, and a BatchNormalization has only the weights before it.
            double largest = layer.paramTable(false).keySet().stream().mapToDouble(name -> FanIn.of(layer, name)).max()
                    .orElse(0);
            fanInOfBiases = largest > 0 ? largest : fanInOfBiases;
            INDArray inputs = pass.isTrained(layer) ? InputSize.of(layer, variable.getParamName(), pass) : null;
            double n = FanIn.effective(layer, variable.getParamName(), inputs, pass);
            INDArray scale = scales.get(NetworkVectors.place(variable, parameters))
                    .assign(n > 0 ? ofWeights(variable, n, shortening, pass) : shortening * uniform(fanInOfBiases));
            INDArray array = layer.paramTable(false).get(variable.getParamName());
            INDArray shaped = scale.reshape(array.ordering(), array.shape());
            if (inputs != null) {
                largestInput = Math.max(largestInput, inputs.maxNumber().doubleValue());
                Broadcast.div(shaped, inputs, shaped, 0);
            }
            INDArray targets = TargetSize.of(layer, pass);
            if (targets != null) {
                // Of convolutions' weights the first dimension is that of the units, of others' weights and biases the last.
                int units = array.rank() > 2 ? 0 : array.rank() - 1;
                Broadcast.mul(shaped, targets.castTo(scale.dataType()), shaped, units);
            }
        }
        InputSize.warnOf(largestInput);
        return scales;
    }

    private static double uniform(double n) {
        return 1 / Math.sqrt(3 * n);
    }

    private static double ofWeights(ParamState variable, double n, double shortening, ForwardPass pass) {
        Trainable layer = variable.getLayer();
        if (!(layer.getConfig() instanceof DenseLayer || layer.getConfig() instanceof ConvolutionLayer)) {
            return shortening * uniform(n);
        }
        INDArray weights = layer.paramTable(false).get(variable.getParamName());
        double own = weights.norm2Number().doubleValue() / Math.sqrt(weights.length());
        if (Normalization.undoesScaleOf(layer, pass)) {
            return Math.max(own, SMALLEST_OWN * uniform(FanIn.of(layer, variable.getParamName())));
        }
        return Normalization.followsActivationOf(layer, pass) ? Math.max(own / HE, uniform(n)) : shortening * uniform(n);
    }
}
