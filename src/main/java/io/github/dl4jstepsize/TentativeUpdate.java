package io.github.dl4jstepsize;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;

import java.util.ArrayList;
import java.util.List;

/**
 * The direction that an updater makes of a gradient while its state stays as it is, for a search that may throw.
 * <p>
 * ND4J's own updaters treat every element by itself, and have states of some vectors as long as the gradient. Their states are
 * copied piece by piece, so that the copy needs no more than {@link BlockVector#PIECE} elements. For other updaters all is one
 * piece.
 */
@SuppressWarnings("rawtypes")
final class TentativeUpdate {

    private static final String ELEMENTWISE = Adam.class.getPackageName();

    private final long length;
    private final List<Piece> pieces = new ArrayList<>();

    /**
     * @param updater makes the updates
     * @param state   its state for the whole gradient
     * @param length  of the gradient
     * @param copy    a vector of at least {@link #room}, whose content matters to nobody else in between
     */
    TentativeUpdate(IUpdater updater, INDArray state, long length, INDArray copy) {
        this.length = length;
        long longest = longestPiece(updater, length);
        boolean whole = longest == length;
        long vectors = whole ? 1 : state.length() / length;
        for (long from = 0; from < length; from += longest) {
            Piece piece = new Piece();
            piece.from = from;
            piece.length = Math.min(longest, length - from);
            long ofCopy = whole ? state.length() : piece.length;
            for (long i = 0; i < vectors; i++) {
                piece.state.add(StateLayout.part(state, i * length + from, ofCopy));
                piece.copy.add(StateLayout.part(copy, i * ofCopy, ofCopy));
            }
            piece.updater = updater.instantiate(StateLayout.part(copy, 0, vectors * ofCopy), false);
            pieces.add(piece);
        }
    }

    /** How many elements are copied at once; 0 if the updater has no state. */
    static long room(IUpdater updater, long length) {
        long longest = longestPiece(updater, length);
        return longest == length ? updater.stateSize(length) : updater.stateSize(length) / length * longest;
    }

    /** Of the gradient. */
    private static long longestPiece(IUpdater updater, long length) {
        long state = updater.stateSize(length);
        boolean elementwise = updater.getClass().getPackageName().equals(ELEMENTWISE);
        return elementwise && state > BlockVector.PIECE ? BlockVector.PIECE / (state / length) : length;
    }

    /** Turns the gradient into the direction. */
    @SuppressWarnings("unchecked")
    void apply(INDArray gradient, int iteration, int epoch) {
        INDArray flat = gradient.reshape(length);
        for (Piece piece : pieces) {
            for (int i = 0; i < piece.state.size(); i++) {
                piece.copy.get(i).assign(piece.state.get(i));
            }
            INDArray part = pieces.size() == 1 ? gradient : StateLayout.part(flat, piece.from, piece.length);
            piece.updater.applyUpdater(part, iteration, epoch);
        }
    }

    private static final class Piece {
        private long from;
        private long length;
        /** The vectors of the updater's state, and where they are copied to. */
        private final List<INDArray> state = new ArrayList<>();
        private final List<INDArray> copy = new ArrayList<>();
        private GradientUpdater updater;
    }
}
