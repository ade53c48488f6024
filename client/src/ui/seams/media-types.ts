export interface PictureProps {
  uri: string;
  label: string;
  width: number;
  height: number;
  radius: number;
}
