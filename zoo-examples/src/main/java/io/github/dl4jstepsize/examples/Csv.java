package io.github.dl4jstepsize.examples;

import org.datavec.api.records.reader.RecordReader;
import org.datavec.api.records.reader.impl.csv.CSVRecordReader;
import org.datavec.api.split.InputStreamInputSplit;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.function.Function;
import java.util.zip.GZIPInputStream;

/** Embedded tables, gzipped or not, read with DataVec. */
final class Csv {

    private static final int NO_LINES_TO_SKIP = 0;

    private Csv() {
    }

    /** @param iterator makes of the table's reader an iterator whose first batch is the whole table */
    static DataSet read(String resource, char delimiter, Function<RecordReader, DataSetIterator> iterator) {
        try (InputStream file = Csv.class.getResourceAsStream(resource);
             InputStream csv = resource.endsWith(".gz") ? new GZIPInputStream(file) : file;
             RecordReader reader = new CSVRecordReader(NO_LINES_TO_SKIP, delimiter)) {
            reader.initialize(new InputStreamInputSplit(csv));
            return iterator.apply(reader).next();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
