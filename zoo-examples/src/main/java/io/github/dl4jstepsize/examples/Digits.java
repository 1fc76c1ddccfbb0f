package io.github.dl4jstepsize.examples;

import org.datavec.api.records.reader.RecordReader;
import org.datavec.api.records.reader.impl.csv.CSVRecordReader;
import org.datavec.api.split.InputStreamInputSplit;
import org.deeplearning4j.datasets.datavec.RecordReaderDataSetIterator;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.SplitTestAndTrain;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Random;
import java.util.zip.GZIPInputStream;

/**
 * The embedded handwritten digits, 1,797 images of 8x8 pixels: UCI Optical Recognition of Handwritten Digits,
 * E. Alpaydin and C. Kaynak, 1998, CC BY 4.0. Read with DataVec; pixels scaled to 0 ... 1.
 */
final class Digits {

    static final int SIDE = 8;
    static final int CLASSES = 10;

    private static final int EXAMPLES = 1797;
    private static final int LARGEST_PIXEL = 16;
    private static final double TRAINING_SHARE = 0.8;
    private static final int SPLIT_SEED = 1;

    private Digits() {
    }

    static TrainTest load() {
        DataSet all = read();
        SplitTestAndTrain split = all.splitTestAndTrain((int) (TRAINING_SHARE * EXAMPLES), new Random(SPLIT_SEED));
        return new TrainTest(split.getTrain(), split.getTest());
    }

    static DataSet read() {
        try (InputStream csv = new GZIPInputStream(Digits.class.getResourceAsStream("/data/digits.csv.gz"));
             RecordReader reader = new CSVRecordReader()) {
            reader.initialize(new InputStreamInputSplit(csv));
            DataSet all = new RecordReaderDataSetIterator(reader, EXAMPLES, SIDE * SIDE, CLASSES).next();
            all.getFeatures().divi(LARGEST_PIXEL);
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
