package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.params.SeparableConvolutionParamInitializer;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

import java.util.List;

/**
 * The size that a layer's weights have when they are drawn uniformly from [-1/sqrt(fan_in), 1/sqrt(fan_in)]: their
 * standard deviation 1/sqrt(3 fan_in). It depends on shapes only, not on the weights that a network has.
 */
final class WeightScale {

    private WeightScale() {
    }

    /**
     * @param variables of all blocks, in their order
     * @param blocks    the parameters
     * @return the scale of every parameter, as arrays of the blocks' lengths
     */
    static INDArray[] of(List<ParamState> variables, INDArray[] blocks) {
        INDArray[] scales = new INDArray[blocks.length];
        double scale = 1;
        int next = 0;
        for (int block = 0; block < blocks.length; block++) {
            scales[block] = Nd4j.createUninitialized(blocks[block].dataType(), blocks[block].length());
            for (long from = 0; from < blocks[block].length(); next++) {
                ParamState variable = variables.get(next);
                double fanIn = fanIn(variable);
                if (fanIn > 0) {
                    scale = 1 / Math.sqrt(3 * fanIn);
                }
                long to = from + variable.getParamView().length();
                scales[block].get(NDArrayIndex.interval(from, to)).assign(scale);
                from = to;
            }
        }
        return scales;
    }

    /** 0 for parameters that are not multiplied with inputs and summed up. */
    private static double fanIn(ParamState variable) {
        Trainable layer = variable.getLayer();
        if (!(layer.getConfig() instanceof Layer)) {
            return 0;
        }
        Layer configuration = (Layer) layer.getConfig();
        ParamInitializer initializer = configuration.initializer();
        long[] shape = variable.getParamView().shape();
        if (initializer == null || !initializer.isWeightParam(configuration, variable.getParamName())
                || shape.length < 2) {
            return 0;
        }
        boolean depthwise = configuration instanceof DepthwiseConvolution2D || configuration instanceof SeparableConvolution2D
                && variable.getParamName().equals(SeparableConvolutionParamInitializer.DEPTH_WISE_WEIGHT_KEY);
        if (depthwise) {
            return shape[2] * (double) shape[3];
        }
        if (shape.length == 2) {
            // Peephole connections of GravesLSTM are three more columns: they do not change the rows.
            return shape[0];
        }
        double product = 1;
        for (int i = 1; i < shape.length; i++) {
            product *= shape[i];
        }
        return product;
    }
}
