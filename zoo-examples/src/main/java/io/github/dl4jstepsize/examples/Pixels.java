package io.github.dl4jstepsize.examples;

import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.preprocessor.ImagePreProcessingScaler;
import org.nd4j.linalg.dataset.api.preprocessor.VGG16ImagePreProcessor;

/** What pretrained weights expect of the values of pixels, and of the order of the colours. */
enum Pixels {

    /** 0 to 1, red first: Darknet. */
    ZERO_TO_ONE(true, new ImagePreProcessingScaler(0, 1)),
    /** -1 to 1, red first: what Keras' documentation calls "tf". */
    MINUS_ONE_TO_ONE(true, new ImagePreProcessingScaler(-1, 1)),
    /** 0 to 255 less ImageNet's means, blue first: what Keras' documentation calls "caffe". */
    WITHOUT_MEANS(false, new VGG16ImagePreProcessor());

    final boolean redFirst;
    final DataSetPreProcessor scaling;

    Pixels(boolean redFirst, DataSetPreProcessor scaling) {
        this.redFirst = redFirst;
        this.scaling = scaling;
    }
}
