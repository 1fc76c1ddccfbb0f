package io.github.dl4jstepsize.examples;

import org.deeplearning4j.datasets.datavec.RecordReaderDataSetIterator;
import org.nd4j.linalg.dataset.DataSet;

/**
 * The embedded handwritten digits, 1,797 images of 8x8 pixels: UCI Optical Recognition of Handwritten Digits,
 * E. Alpaydin and C. Kaynak, 1998, CC BY 4.0. Pixels are scaled to 0 ... 1.
 */
final class Digits {

    private static final int EXAMPLES = 1797;
    private static final int PIXELS = 8 * 8;
    private static final int CLASSES = 10;
    private static final int LARGEST_PIXEL = 16;

    private Digits() {
    }

    static TrainTest load() {
        DataSet all = Csv.read("/data/digits.csv.gz", ',',
                reader -> new RecordReaderDataSetIterator(reader, EXAMPLES, PIXELS, CLASSES));
        all.getFeatures().divi(LARGEST_PIXEL);
        return TrainTest.split(all);
    }
}
